# What the tests of this room share: ONNX files, recorded, changed, or written down as text.
add_library(weft_models_support STATIC ../support/graph_text.c ../support/models.c)
target_include_directories(weft_models_support PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(weft_models_support PUBLIC weft_model weft_onnx PkgConfig::CHECK)
target_compile_definitions(weft_models_support PRIVATE WEFT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
target_compile_options(weft_models_support PRIVATE
  $<$<C_COMPILER_ID:Clang>:-Wno-gnu-zero-variadic-macro-arguments> $<$<C_COMPILER_ID:GNU>:-Wno-pedantic>)

weft_unit_test(arrangement weft_models_support)
target_link_options(test_arrangement PRIVATE LINKER:--wrap=weft_layer_cost)
weft_unit_test(conv weft_model m)
weft_unit_test(kernels weft_model m)
weft_unit_test(winograd weft_model m)
weft_unit_test(network weft_models_support m)
weft_unit_test(onnx weft_models_support)
weft_unit_test(onnx_exported weft_models_support m)
weft_unit_test(onnx_hostile weft_models_support)
target_link_options(test_onnx_hostile PRIVATE LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=free)
weft_unit_test(image weft_model PkgConfig::GD)
