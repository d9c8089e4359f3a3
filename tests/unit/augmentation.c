#include "model/train/augmentation.h"

#include <string.h>

#include "model/train/normalisation.h"
#include "support/suite.h"

enum { H = 3, W = 4, LARGE = 28 };

static struct weft_recipe without_changes(void)
{
    struct weft_recipe recipe = weft_recipe_defaults();
    recipe.shift = 0;
    recipe.flip = false;
    return recipe;
}

START_TEST(an_image_is_left_as_it_is_where_nothing_is_wanted)
{
    uint8_t pixels[2 * H * W], image[2 * H * W];
    const struct weft_recipe recipe = without_changes();
    struct weft_random random = weft_random_of(9, 0);
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(10 * (i + 1));
    weft_augment(&recipe, &random, (struct weft_shape){2, H, W}, NULL, pixels, image);
    ck_assert_mem_eq(image, pixels, sizeof pixels);
}
END_TEST

START_TEST(augmentation_shifts_and_flips_in_every_way_and_no_other)
{
    enum { WAYS = 18 };
    uint8_t pixels[H * W], image[H * W];
    size_t seen[WAYS] = {0};
    struct weft_recipe recipe = without_changes();
    struct weft_random random = weft_random_of(9, 0);
    recipe.shift = 1;
    recipe.flip = true;
    for (size_t i = 0; i < H * W; i++)
        pixels[i] = (uint8_t)(10 * (i + 1));
    for (int draw = 0; draw < 1000; draw++) {
        weft_augment(&recipe, &random, (struct weft_shape){1, H, W}, NULL, pixels, image);
        size_t matching = 0;
        for (int way = 0; way < WAYS; way++) {
            const int down = way % 3 - 1, right = way / 3 % 3 - 1, flip = way / 9;
            bool same = true;
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++) {
                    const int fy = y + down, fx = (flip ? W - 1 - x : x) + right;
                    const bool inside = fy >= 0 && fy < H && fx >= 0 && fx < W;
                    same = same && image[y * W + x] == (inside ? pixels[fy * W + fx] : 0);
                }
            if (same) {
                seen[way]++;
                matching++;
            }
        }
        ck_assert_uint_eq(matching, 1);
    }
    for (int way = 0; way < WAYS; way++)
        ck_assert_uint_gt(seen[way], 20);
}
END_TEST

/* What was erased of an image of 255s by a fill of zeros. */
struct hole {
    size_t top, left, height, width, count;
};

static struct hole find_hole(const uint8_t *image)
{
    struct hole hole = {.top = LARGE, .left = LARGE};
    size_t bottom = 0, right = 0;
    for (size_t y = 0; y < LARGE; y++)
        for (size_t x = 0; x < LARGE; x++)
            if (image[y * LARGE + x] == 0) {
                hole.count++;
                hole.top = y < hole.top ? y : hole.top;
                hole.left = x < hole.left ? x : hole.left;
                bottom = y + 1 > bottom ? y + 1 : bottom;
                right = x + 1 > right ? x + 1 : right;
            }
    hole.height = hole.count ? bottom - hole.top : 0;
    hole.width = hole.count ? right - hole.left : 0;
    return hole;
}

START_TEST(a_rectangle_of_the_area_and_aspect_asked_for_is_erased)
{
    static uint8_t pixels[LARGE * LARGE], image[LARGE * LARGE];
    struct weft_recipe recipe = without_changes();
    struct weft_random random = weft_random_of(9, 0);
    size_t erased = 0, at_top = 0, at_bottom = 0;
    recipe.erase_probability = 0.5;
    recipe.erase_fill = WEFT_ERASE_MEAN;
    memset(pixels, 255, sizeof pixels);
    for (int draw = 0; draw < 2000; draw++) {
        weft_augment(&recipe, &random, (struct weft_shape){1, LARGE, LARGE}, (const uint8_t[]){0}, pixels, image);
        const struct hole hole = find_hole(image);
        ck_assert_uint_eq(hole.count, hole.height * hole.width);
        if (hole.count == 0)
            continue;
        /* Sides are rounded to whole pixels: each by up to a half. */
        const double height = (double)hole.height, width = (double)hole.width;
        ck_assert_double_ge((height + 0.5) * (width + 0.5), 0.02 * LARGE * LARGE);
        ck_assert_double_le((height - 0.5) * (width - 0.5), 0.4 * LARGE * LARGE);
        ck_assert_double_ge((height + 0.5) / (width - 0.5), 0.3);
        ck_assert_double_le((height - 0.5) / (width + 0.5), 3.3);
        erased++;
        at_top += hole.top == 0;
        at_bottom += hole.top + hole.height == LARGE;
    }
    /* Five standard deviations of a binomial count around 1000. */
    ck_assert(erased > 888 && erased < 1112);
    ck_assert(at_top > 0 && at_bottom > 0);
}
END_TEST

START_TEST(what_is_erased_is_filled_at_random)
{
    static uint8_t pixels[LARGE * LARGE], image[LARGE * LARGE];
    struct weft_recipe recipe = without_changes();
    struct weft_random random = weft_random_of(9, 0);
    size_t of[4] = {0}, changed = 0;
    recipe.erase_probability = 1;
    for (int draw = 0; draw < 100; draw++) {
        weft_augment(&recipe, &random, (struct weft_shape){1, LARGE, LARGE}, (const uint8_t[]){0}, pixels, image);
        for (size_t i = 0; i < sizeof image; i++)
            if (image[i] > 0) {
                of[image[i] / 64]++;
                changed++;
            }
    }
    for (size_t i = 0; i < 4; i++)
        ck_assert_msg(of[i] > changed / 5 && of[i] < changed / 3, "%zu of %zu", of[i], changed);
}
END_TEST

START_TEST(an_area_that_cannot_fit_leaves_the_image)
{
    static const uint8_t pixels[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t image[8];
    struct weft_recipe recipe = without_changes();
    struct weft_random random = weft_random_of(9, 0);
    recipe.erase_probability = 1;
    recipe.erase_area = (struct weft_interval){1, 1};
    recipe.erase_aspect = (struct weft_interval){20, 20};
    weft_augment(&recipe, &random, (struct weft_shape){1, 2, 4}, (const uint8_t[]){0}, pixels, image);
    ck_assert_mem_eq(image, pixels, sizeof pixels);
}
END_TEST

START_TEST(the_share_of_images_asked_for_is_mixed_by_a_share_within_its_bounds)
{
    struct weft_recipe recipe = without_changes();
    struct weft_random random = weft_random_of(9, 0);
    size_t mixed = 0;
    ck_assert_float_eq(weft_mix_draw(&recipe, &random), 0);
    recipe.mix_probability = 0.5;
    recipe.mix_share = (struct weft_interval){0.2, 0.4};
    for (int draw = 0; draw < 2000; draw++) {
        const float share = weft_mix_draw(&recipe, &random);
        ck_assert(share == 0 || (share >= 0.2f && share < 0.4f));
        mixed += share > 0;
    }
    ck_assert(mixed > 888 && mixed < 1112);
}
END_TEST

START_TEST(a_mixed_image_lies_between_the_two)
{
    static const uint8_t other[] = {255, 0, 100, 7, 200, 0}, between[] = {64, 191, 100, 6, 125, 0};
    uint8_t image[] = {0, 255, 100, 5, 100, 0};
    weft_mix((struct weft_shape){1, 2, 3}, other, 0.25f, image);
    ck_assert_mem_eq(image, between, sizeof image);
}
END_TEST

START_TEST(a_mirror_image_is_left_to_right_in_each_channel)
{
    static const uint8_t pixels[] = {1, 2, 3, 4, 5, 6, 7, 8}, mirrored[] = {2, 1, 4, 3, 6, 5, 8, 7};
    uint8_t image[8];
    weft_mirror((struct weft_shape){2, 2, 2}, pixels, image);
    ck_assert_mem_eq(image, mirrored, sizeof image);
}
END_TEST

START_TEST(normalised_images_have_their_channels_last)
{
    uint8_t pixels[] = {0, 255, 0, 255, 51, 51, 51, 102};
    float image[8];
    const struct weft_dataset dataset = {.count = 1, .channels = 2, .height = 2, .width = 2, .pixels = pixels};
    const struct weft_normalisation n = weft_normalisation_of(&dataset);
    weft_normalise(&n, (struct weft_shape){2, 2, 2}, pixels, image);
    for (size_t p = 0; p < 4; p++)
        for (size_t c = 0; c < 2; c++)
            ck_assert_float_eq(image[p * 2 + c], n.table[c][pixels[c * 4 + p]]);
    ck_assert_uint_eq(n.mean_pixel[0], 128);
    ck_assert_uint_eq(n.mean_pixel[1], 64);
}
END_TEST

SUITE("augmentation", TEST(an_image_is_left_as_it_is_where_nothing_is_wanted),
      TEST(augmentation_shifts_and_flips_in_every_way_and_no_other),
      TEST(a_rectangle_of_the_area_and_aspect_asked_for_is_erased), TEST(what_is_erased_is_filled_at_random),
      TEST(an_area_that_cannot_fit_leaves_the_image),
      TEST(the_share_of_images_asked_for_is_mixed_by_a_share_within_its_bounds),
      TEST(a_mixed_image_lies_between_the_two), TEST(a_mirror_image_is_left_to_right_in_each_channel),
      TEST(normalised_images_have_their_channels_last))
