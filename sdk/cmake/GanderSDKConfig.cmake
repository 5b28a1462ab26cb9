# find_package(GanderSDK 1): the headers as gander::sdk, and gander_add_plugin().
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/GanderSDKTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/GanderPlugin.cmake)
