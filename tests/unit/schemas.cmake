# What the tests of this room share: a scripted HTTP server, clients of a registry, random Avro.
add_library(weft_schemas_support STATIC ../support/http_stub.c ../support/random_avro.c
  ../support/registry_fixture.c)
target_include_directories(weft_schemas_support PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(weft_schemas_support PUBLIC weft_schemas PkgConfig::AVRO PkgConfig::CHECK PkgConfig::JANSSON
  Threads::Threads)
target_compile_options(weft_schemas_support PRIVATE
  $<$<C_COMPILER_ID:Clang>:-Wno-gnu-zero-variadic-macro-arguments> $<$<C_COMPILER_ID:GNU>:-Wno-pedantic>)

weft_unit_test(compatibility weft_schemas)
weft_unit_test(difference weft_schemas)
weft_unit_test(evolution weft_schemas weft_schemas_support)
weft_unit_test(framing weft_schemas)
weft_unit_test(schema weft_schemas)
weft_unit_test(plan weft_schemas weft_schemas_support)
weft_unit_test(plan_random weft_schemas weft_schemas_support)
weft_unit_test(request weft_schemas weft_schemas_support)
weft_unit_test(result weft_schemas weft_schemas_support)
weft_unit_test(references weft_schemas PkgConfig::JANSSON)
weft_unit_test(registry weft_schemas weft_schemas_support)
weft_unit_test(registry_faults weft_schemas weft_schemas_support)
weft_unit_test(subject weft_schemas weft_schemas_support)
