weft_unit_test(envelope weft_bridge)
weft_unit_test(lanes weft_bridge)
weft_unit_test(ledger weft_bridge)
weft_unit_test(offsets weft_bridge)

add_library(weft_pubsub_stub STATIC ../support/pubsub_stub.c)
target_include_directories(weft_pubsub_stub PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(weft_pubsub_stub PUBLIC weft_bridge PkgConfig::CHECK Threads::Threads)
target_compile_options(weft_pubsub_stub PRIVATE
  $<$<C_COMPILER_ID:Clang>:-Wno-gnu-zero-variadic-macro-arguments> $<$<C_COMPILER_ID:GNU>:-Wno-pedantic>)
weft_unit_test(leases weft_pubsub_stub)
weft_unit_test(publisher weft_pubsub_stub)
