add_library(mock_cluster STATIC ../support/mock_cluster.c)
target_include_directories(mock_cluster PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(mock_cluster PUBLIC weft_streams PkgConfig::CHECK)

weft_unit_test(fetcher weft_streams)
weft_unit_test(kafka_settings weft_streams)
weft_unit_test(outlet weft_streams)
weft_unit_test(partitioner weft_streams)
weft_unit_test(processor_metrics weft_streams)
weft_unit_test(scorer weft_streams weft_schemas_support model_file)
# The thread sanitizer does not know the threads that a distribution's librdkafka starts, through C11's thrd_create, and
# crashes in them: ./dev tsan builds another.
if(NOT WEFT_SANITIZE MATCHES "thread" OR WEFT_SANITIZED_RDKAFKA)
  weft_unit_test(lag weft_streams mock_cluster)
  weft_unit_test(reader weft_streams mock_cluster)
  weft_unit_test(transaction weft_streams mock_cluster)
endif()
