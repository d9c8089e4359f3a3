weft_unit_test(builtin weft_model)
weft_unit_test(inversion weft_model PkgConfig::GD)
weft_unit_test(report weft_model m)
