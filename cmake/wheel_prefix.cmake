# Only for builds against the ros-* wheels from PyPI, given as CMAKE_PROJECT_INCLUDE.
# Runs after the CMakeLists.txt, when every package has been found and every target exists.
function(bharnet_adapt_to_wheels)
  # The wheels' exported *__rosidl_generator_py targets name include directories of the machine
  # that built the wheels; CMake refuses directories that do not exist. Nothing of ours needs them.
  get_property(targets DIRECTORY "${CMAKE_SOURCE_DIR}" PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    if(target MATCHES "__rosidl_generator_py$")
      set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "")
    endif()
  endforeach()

  # The virtual environment lies inside the source tree, and CMake refuses to export include
  # directories from there. They (NumPy's) matter while building only.
  set(own ${PROJECT_NAME}__rosidl_generator_py)
  if(TARGET ${own})
    get_target_property(directories ${own} INTERFACE_INCLUDE_DIRECTORIES)
    if(directories)
      set_target_properties(${own} PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "$<BUILD_INTERFACE:${directories}>")
    endif()
  endif()
endfunction()

cmake_language(DEFER CALL bharnet_adapt_to_wheels)
