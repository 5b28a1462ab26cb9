# find_package(gander 1): libgander as gander::gander, and the SDK it stands on.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(GanderSDK)
include(${CMAKE_CURRENT_LIST_DIR}/ganderTargets.cmake)
