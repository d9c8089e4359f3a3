# Writes PAGES/NAME.1 and PAGES/NAME-COMMAND.1 for each command that PROGRAM has, by HELP2MAN.
function(read_lines variable)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" lines "${text}")
  set(${variable} ${lines} PARENT_SCOPE)
endfunction()

function(write_page page summary see_also words)
  file(WRITE ${PAGES}/${page}.include "[SEE ALSO]\n${see_also}\n")
  # help2man hands the program's name, spaces and all, to a shell.
  execute_process(COMMAND ${HELP2MAN} --no-info --section 1 --name ${summary} --version-string "${page} ${VERSION}"
      --source "weft ${VERSION}" --manual "weft" --include ${PAGES}/${page}.include --output ${PAGES}/${page}.1 "${PROGRAM}${words}"
    COMMAND_ERROR_IS_FATAL ANY)
  file(REMOVE ${PAGES}/${page}.include)
endfunction()

file(MAKE_DIRECTORY ${PAGES})
read_lines(overview ${PROGRAM} help)
read_lines(commands ${PROGRAM} __commands)
set(all)
foreach(command IN LISTS commands)
  set(summary ${command})
  foreach(line IN LISTS overview)
    if(line MATCHES "^  ${command}  +(.*)")
      set(summary ${CMAKE_MATCH_1})
    endif()
  endforeach()
  string(REPLACE " " "-" page "${NAME}-${command}")
  list(APPEND all "\\fB${page}\\fP(1)")
  write_page(${page} ${summary} "\\fB${NAME}\\fP(1)" " ${command}")
endforeach()
list(JOIN all ", " all)
write_page(${NAME} ${SUMMARY} "${all}" "")
