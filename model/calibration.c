#include "model/calibration.h"

#include <math.h>

#include "model/evaluation.h"

static size_t bin_of(double confidence)
{
    double bin = ceil(confidence * WEFT_CALIBRATION_BINS) - 1;
    return bin < 0 ? 0 : bin < WEFT_CALIBRATION_BINS ? (size_t)bin : WEFT_CALIBRATION_BINS - 1;
}

void weft_calibration_of(struct weft_calibration *calibration, const struct weft_prediction *predictions, size_t count)
{
    *calibration = (struct weft_calibration){0};
    for (size_t i = 0; i < count; i++) {
        struct weft_calibration_bin *bin = &calibration->bins[bin_of((double)predictions[i].confidence)];
        bin->count++;
        bin->confidence += (double)predictions[i].confidence;
        bin->accuracy += predictions[i].answer == predictions[i].truth;
    }
    for (size_t b = 0; b < WEFT_CALIBRATION_BINS; b++) {
        struct weft_calibration_bin *bin = &calibration->bins[b];
        if (bin->count == 0)
            continue;
        bin->confidence /= (double)bin->count;
        bin->accuracy /= (double)bin->count;
        calibration->expected_error += (double)bin->count / (double)count * fabs(bin->accuracy - bin->confidence);
    }
}
