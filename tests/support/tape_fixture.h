/* A model of one layer or a few, with random weights and images, and its gradients compared with finite differences. */
#ifndef WEFT_TESTS_SUPPORT_TAPE_FIXTURE_H
#define WEFT_TESTS_SUPPORT_TAPE_FIXTURE_H

#include "model/train/layers.h"
#include "model/train/tape.h"

enum { IMAGES = 3 };

extern const struct weft_tape_mode training;

struct tape_fixture {
    struct weft_model *model;
    struct weft_tape *tape;
    struct weft_random random;
    float *gradients;
    float step;       /* of a finite difference */
    double tolerance; /* of what it says */
};

typedef void add_layers(struct weft_model *model, const void *argument);

/* A model that add() fills, with random weights, biases too, and a tape of IMAGES random images. */
struct tape_fixture tape_fixture_of(const struct weft_variant *variant, struct weft_shape input, add_layers *add,
                                    const void *argument);
/* In the best variant of the kernels that this processor has. */
struct tape_fixture tape_fixture_new(struct weft_shape input, add_layers *add, const void *argument);
void tape_fixture_destroy(struct tape_fixture *f);

/* Values that differ by at least 0.05 from each other and from zero, so that a step of a finite difference crosses no
 * kink. */
void fill_apart(float *values, size_t count, struct weft_random *random);

/* Draws weights until no value of any layer comes close to the kink of the ReLU that is part of the layer. */
void keep_clear_of_kinks(struct tape_fixture *f, const struct weft_tape_mode *mode);

/* One pass forward and, from a random gradient by the logits, which is returned and the caller's, backward. */
float *run_both_ways(struct tape_fixture *f, const struct weft_tape_mode *mode);

void assert_close(const char *what, size_t index, double expected, double found, double tolerance);

/* Compares backward with central differences, for every weight and every pixel. */
void assert_gradients_in(struct tape_fixture *f, const struct weft_tape_mode *mode);
void assert_gradients(struct tape_fixture *f); /* in training */
/* A linear layer is the same at any distance: steps as large as the values leave no rounding to speak of. */
void assert_gradients_of_linear(struct tape_fixture *f);

/* The layers that both values and gradients are tested of. */
struct case_of_window {
    struct weft_shape in;
    size_t filters, groups; /* of convolution */
    struct weft_window window;
};

enum { CONVOLUTIONS = 17, NARROW_CONVOLUTIONS = 9, EVEN_CONVOLUTIONS = 6, POOLS = 6 };
extern const struct case_of_window convolutions[CONVOLUTIONS];
/* Of few filters. */
extern const struct case_of_window narrow_convolutions[NARROW_CONVOLUTIONS];
/* Such as Winograd's transform takes where vectors are not longer. */
extern const struct case_of_window even_convolutions[EVEN_CONVOLUTIONS];
extern const struct case_of_window pools[POOLS];

/* argument: a struct case_of_window, a bool whether a ReLU is part of it, or nothing. */
add_layers add_convolution, add_convolution_without_bias, add_max_pool, add_average_pool;
add_layers add_batch_norm, add_batch_norm_with_residual, add_sum;
add_layers add_global_average_pool, add_relu, add_dropout, add_dense, add_flatten;

#endif
