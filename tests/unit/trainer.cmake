weft_unit_test(dataset weft_model ZLIB::ZLIB)
weft_unit_test(layers weft_model m)
weft_unit_test(trainer weft_model ZLIB::ZLIB m)
weft_unit_test(evaluation weft_model)
