weft_unit_test(kernels weft_model m)
weft_unit_test(network weft_model weft_onnx m)
weft_unit_test(image weft_model PkgConfig::GD)
