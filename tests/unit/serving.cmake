add_library(model_file STATIC ../support/model_file.c)
target_include_directories(model_file PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(model_file PUBLIC PkgConfig::CHECK)

weft_unit_test(canary weft_streams)
weft_unit_test(file_watch weft_base)
weft_unit_test(serving weft_streams model_file)
# See streams.cmake for the thread sanitizer.
if(NOT WEFT_SANITIZE MATCHES "thread" OR WEFT_SANITIZED_RDKAFKA)
  weft_unit_test(worker weft_streams mock_cluster)
endif()
