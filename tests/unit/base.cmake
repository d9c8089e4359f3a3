weft_unit_test(error weft_base)
