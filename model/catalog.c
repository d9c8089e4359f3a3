#include "model/catalog.h"

#include <zlib.h>

static const char *const fashion_mnist_labels[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                   "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

static const struct weft_catalog_entry fashion_mnist = {"Fashion-MNIST", fashion_mnist_labels, 10};

static const struct {
    size_t count;
    unsigned long labels_crc32; /* of the labels, one byte each */
    const struct weft_catalog_entry *entry;
} known[] = {
    {60000, 0x2ed6e46a, &fashion_mnist},
    {10000, 0x242bc73f, &fashion_mnist},
};

const struct weft_catalog_entry *weft_catalog_find(const struct weft_dataset *dataset)
{
    if (!dataset->labels)
        return NULL;
    unsigned long crc = crc32(0, NULL, 0);
    for (size_t i = 0; i < dataset->count; i++) {
        if (dataset->labels[i] < 0 || dataset->labels[i] > 255)
            return NULL;
        unsigned char label = (unsigned char)dataset->labels[i];
        crc = crc32(crc, &label, 1);
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].count == dataset->count && known[i].labels_crc32 == crc)
            return known[i].entry;
    return NULL;
}
