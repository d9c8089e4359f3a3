# What `cmake --install` puts where: the programs, what they need at run time, their manual pages and completion.
if(NOT TARGET weft)
  return()
endif()

set(shared ${CMAKE_INSTALL_DATADIR}/weft)
install(TARGETS weft weft-bridge RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
foreach(program weft weft-bridge)
  install(FILES completions/weft.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    RENAME ${program})
endforeach()
install(DIRECTORY schemas/ DESTINATION ${shared}/schemas FILES_MATCHING PATTERN *.avsc)
install(FILES topology/predict.yaml topology/predict_pubsub.yaml topology/topology.schema.json
  DESTINATION ${shared}/topology OPTIONAL)
install(DIRECTORY model/zoo/ DESTINATION ${shared}/model/zoo OPTIONAL FILES_MATCHING PATTERN *.onnx)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# One page for each program and each of its commands, made from --help.
find_program(HELP2MAN help2man)
if(HELP2MAN)
  set(pages ${PROJECT_BINARY_DIR}/man)
  function(write_pages target summary)
    add_custom_command(OUTPUT ${pages}/${target}.1 DEPENDS ${target} cmake/ManPages.cmake
      COMMAND ${CMAKE_COMMAND} -D HELP2MAN=${HELP2MAN} -D PROGRAM=$<TARGET_FILE:${target}> -D NAME=${target}
        -D SUMMARY=${summary} -D VERSION=${PROJECT_VERSION} -D PAGES=${pages}
        -P ${PROJECT_SOURCE_DIR}/cmake/ManPages.cmake
      COMMENT "Writing the manual pages of ${target}" VERBATIM)
  endfunction()
  write_pages(weft "Kafka-native stream processor with an embedded convolutional network")
  write_pages(weft-bridge "mirror Kafka topics to Google Cloud Pub/Sub and back, losing nothing")
  add_custom_target(man ALL DEPENDS ${pages}/weft.1 ${pages}/weft-bridge.1)
  install(DIRECTORY ${pages}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
