# weft_unit_test(NAME LIBRARY...): builds tests/unit/NAME.c and registers one ctest per START_TEST in it.
#
# The shared main (tests/support/suite.h) makes a Check case of each test, named after it; CK_RUN_CASE picks one.
function(weft_unit_test name)
  add_executable(test_${name} ${name}.c)
  target_link_libraries(test_${name} PRIVATE ${ARGN} PkgConfig::CHECK Threads::Threads)
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(test_${name} PRIVATE WEFT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # Check's macros predate these warnings.
  target_compile_options(test_${name} PRIVATE $<$<C_COMPILER_ID:Clang>:-Wno-gnu-zero-variadic-macro-arguments>
    $<$<C_COMPILER_ID:GNU>:-Wno-pedantic>)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${name}.c)
  file(STRINGS ${name}.c cases REGEX "^START_TEST\\([a-z0-9_]+\\)")
  foreach(case IN LISTS cases)
    string(REGEX REPLACE "^START_TEST\\(([a-z0-9_]+)\\).*" "\\1" case "${case}")
    add_test(NAME unit.${name}.${case} COMMAND test_${name})
    set_tests_properties(unit.${name}.${case} PROPERTIES
      ENVIRONMENT "CK_RUN_CASE=${case};CK_VERBOSITY=normal;CK_DEFAULT_TIMEOUT=120"
      LABELS unit FAIL_REGULAR_EXPRESSION "100%: Checks: 0")
  endforeach()
endfunction()
