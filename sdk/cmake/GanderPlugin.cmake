# gander_add_plugin(NAME SOURCES file... [LINK target...] [CONFIG_SCHEMA schema.json])
#
# Builds gander_<NAME>.so into <build>/lib/gander/plugins and installs it to <prefix>/lib/gander/plugins.
# The module exports one symbol, is never unmapped, and has every symbol it uses resolved at link time; a
# step after the link checks all three. From schema.json it writes <NAME>_schema.h: the schema as text
# (for C and C++) and, for C++, the table of options that gander::sdk::Options checks against.
include_guard(GLOBAL)

function(gander_add_plugin name)
  cmake_parse_arguments(ARG "NO_CHECK;NO_INSTALL" "CONFIG_SCHEMA;OUTPUT_DIRECTORY" "SOURCES;LINK" ${ARGN})
  set(target gander_${name})
  add_library(${target} MODULE ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE gander::sdk ${ARG_LINK})
  if(NOT ARG_OUTPUT_DIRECTORY)
    set(ARG_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/gander/plugins)
  endif()
  set_target_properties(${target} PROPERTIES
    PREFIX "" C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    BUILD_RPATH "" INSTALL_RPATH "" SKIP_BUILD_RPATH ON
    LIBRARY_OUTPUT_DIRECTORY ${ARG_OUTPUT_DIRECTORY})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>)
  endif()
  set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.version)
  target_link_options(${target} PRIVATE -Wl,--version-script=${map} -Wl,-z,nodelete -Wl,-z,noexecstack)
  # A sanitizer's runtime comes from the host, so its symbols stay open at this link.
  if(NOT GANDER_SANITIZE)
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(${target} PROPERTIES LINK_DEPENDS ${map})
  if(ARG_CONFIG_SCHEMA)
    gander_schema_header(${name} ${ARG_CONFIG_SCHEMA})
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/generated)
  endif()
  if(NOT ARG_NO_CHECK)
    add_custom_command(TARGET ${target} POST_BUILD VERBATIM
      COMMAND ${CMAKE_COMMAND} -DFILE=$<TARGET_FILE:${target}> -DNM=${CMAKE_NM} -DREADELF=${CMAKE_READELF}
              -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/check_plugin_file.cmake)
  endif()
  if(NOT ARG_NO_INSTALL)
    install(TARGETS ${target} LIBRARY DESTINATION lib/gander/plugins)
  endif()
endfunction()

# Writes generated/<name>_schema.h from a JSON Schema of flat options.
function(gander_schema_header name schema_file)
  get_filename_component(schema_file ${schema_file} ABSOLUTE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${schema_file})
  file(READ ${schema_file} schema)
  string(JSON count ERROR_VARIABLE problem LENGTH "${schema}" properties)
  if(problem)
    message(FATAL_ERROR "${schema_file}: ${problem}")
  endif()
  set(rows "")
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON option MEMBER "${schema}" properties ${i})
    gander_option_row(row "${schema}" ${option})
    string(APPEND rows "    ${row},\n")
  endforeach()
  string(REPLACE "\\" "\\\\" text "${schema}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/generated/${name}_schema.h @ONLY CONTENT
"/* Written by gander_add_plugin() from its schema.json. */
#pragma once
#ifdef __cplusplus
#include <gander/sdk/plugin.hpp>
namespace gander_generated {
inline constexpr char kSchema[] =
    \"${text}\";
inline constexpr gander::sdk::OptionSpec kOptions[] = {
${rows}};
}  // namespace gander_generated
#else
static const char gander_config_schema[] =
    \"${text}\";
#endif
")
endfunction()

# {"path", "string", "jobs.db", false, false, false, 0, 0, ""}
function(gander_option_row out schema option)
  string(JSON type GET "${schema}" properties ${option} type)
  string(JSON default ERROR_VARIABLE no_default GET "${schema}" properties ${option} default)
  if(no_default)
    set(default "")
  elseif(type STREQUAL "boolean")
    if(default)
      set(default "true")
    else()
      set(default "false")
    endif()
  endif()
  set(required false)
  string(JSON n ERROR_VARIABLE none LENGTH "${schema}" required)
  if(NOT none AND n GREATER 0)
    math(EXPR last "${n} - 1")
    foreach(i RANGE ${last})
      string(JSON one GET "${schema}" required ${i})
      if(one STREQUAL option)
        set(required true)
      endif()
    endforeach()
  endif()
  foreach(bound minimum maximum)
    string(JSON ${bound} ERROR_VARIABLE none GET "${schema}" properties ${option} ${bound})
    if(none)
      set(has_${bound} false)
      set(${bound} 0)
    else()
      set(has_${bound} true)
    endif()
  endforeach()
  set(choices "")
  string(JSON n ERROR_VARIABLE none LENGTH "${schema}" properties ${option} enum)
  if(NOT none AND n GREATER 0)
    math(EXPR last "${n} - 1")
    foreach(i RANGE ${last})
      string(JSON one GET "${schema}" properties ${option} enum ${i})
      list(APPEND choices ${one})
    endforeach()
    list(JOIN choices "|" choices)
  endif()
  set(${out} "{\"${option}\", \"${type}\", \"${default}\", ${required}, ${has_minimum}, ${has_maximum}, ${minimum}, ${maximum}, \"${choices}\"}" PARENT_SCOPE)
endfunction()
