// What looks like a leak or a waste, with its reason; words and figures are those of the analysis.

import { count, size } from "../text/units";
import { Name } from "../widgets/name";
import { leaksAndWaste, savingWord, titleOf, verdict } from "./findings";
import type { Suspect } from "./heap_data";
import type { HeapViewProps } from "./heap_views";
import { ObjectRows } from "./object_rows";

const MOST_SHOWN = 4;

export function Suspects({ state }: HeapViewProps) {
  const { leaks, waste } = leaksAndWaste(state.data.suspects);
  return (
    <div class="leaks heap-suspects">
      <p class="leaks-verdict">
        {verdict(leaks.length, waste.length, state.data.least_finding_bytes)}
      </p>
      <Findings state={state} found={leaks} />
      {leaks.length > 0 && waste.length > 0 && <h2>Waste</h2>}
      <Findings state={state} found={waste} />
    </div>
  );
}

function Findings({ state, found }: HeapViewProps & { found: Suspect[] }) {
  return (
    <ol>
      {found.map((row, index) => {
        const objects = [...new Set([row.object, ...row.objects])]
          .filter((each): each is number => each !== null && !!state.listed(each))
          .slice(0, MOST_SHOWN);
        return (
          <li key={index} class="leak">
            <div class="leak-head">
              <strong>
                <Name text={titleOf(row)} limit={100} />
              </strong>
              <dl>
                <div>
                  <dt>{savingWord(row)}</dt>
                  <dd>{size(row.bytes)}</dd>
                </div>
                <div>
                  <dt>objects</dt>
                  <dd>{count(row.count)}</dd>
                </div>
              </dl>
            </div>
            <p class="leak-reason">
              <Name text={row.what} limit={400} />
            </p>
            {row.path && (
              <p class="leak-reason">
                <code>
                  <Name text={row.path} limit={400} />
                </code>
              </p>
            )}
            {objects.length > 0 && (
              <ObjectRows
                state={state}
                label="Objects to look at"
                rows={objects.map((object) => ({ object }))}
              />
            )}
          </li>
        );
      })}
    </ol>
  );
}
