// A number that changes when the page's colours do: for what is painted, not styled.

import { useEffect, useState } from "preact/hooks";
import type { ReportState } from "../state/report_state";

const QUERIES = ["(prefers-color-scheme: dark)", "print", "(forced-colors: active)"];

export function useThemeVersion(state: ReportState): string {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const change = () => setVersion((before) => before + 1);
    const lists = QUERIES.map((query) => matchMedia(query));
    for (const list of lists) list.addEventListener("change", change);
    return () => {
      for (const list of lists) list.removeEventListener("change", change);
    };
  }, []);
  return `${state.theme.value} ${version}`;
}
