# What `cmake --install` puts where: the program, what it needs at run time, its manual pages and its completion.
if(NOT TARGET weft)
  return()
endif()

set(shared ${CMAKE_INSTALL_DATADIR}/weft)
install(TARGETS weft RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES completions/weft.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME weft)
install(DIRECTORY schemas/ DESTINATION ${shared}/schemas FILES_MATCHING PATTERN *.avsc)
install(FILES topology/predict.yaml topology/topology.schema.json DESTINATION ${shared}/topology OPTIONAL)
install(DIRECTORY model/zoo/ DESTINATION ${shared}/model/zoo OPTIONAL FILES_MATCHING PATTERN *.onnx)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# One page for weft and one for each command, made from --help.
find_program(HELP2MAN help2man)
if(HELP2MAN)
  set(pages ${PROJECT_BINARY_DIR}/man)
  add_custom_command(OUTPUT ${pages}/weft.1 DEPENDS weft cmake/ManPages.cmake
    COMMAND ${CMAKE_COMMAND} -D HELP2MAN=${HELP2MAN} -D WEFT=$<TARGET_FILE:weft> -D VERSION=${PROJECT_VERSION}
      -D PAGES=${pages} -P ${PROJECT_SOURCE_DIR}/cmake/ManPages.cmake
    COMMENT "Writing the manual pages" VERBATIM)
  add_custom_target(man ALL DEPENDS ${pages}/weft.1)
  install(DIRECTORY ${pages}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
