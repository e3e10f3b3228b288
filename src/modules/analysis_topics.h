// The topics of _analysis: each function adds its methods to the class. One file each, analysis_<topic>.cpp.
#pragma once

#include "modules/analysis_values.h"

namespace heapscope::modules {

void add_capture(CaptureClass& capture);
void add_browse(nb::module_& module, CaptureClass& capture);
void add_growth(CaptureClass& capture);
void add_events(CaptureClass& capture);
void add_export(CaptureClass& capture);
void add_report(CaptureClass& capture);
void add_diff(CaptureClass& capture);
void add_columns(CaptureClass& capture);
void add_rss(CaptureClass& capture);
void add_function_lines(CaptureClass& capture);
void add_lines(CaptureClass& capture);

}  // namespace heapscope::modules
