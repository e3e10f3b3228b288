// What looks like a leak or a waste, with its reason; words and figures are those of the analysis.

import { count, size } from "../text/units";
import { Name } from "../widgets/name";
import type { HeapViewProps } from "./heap_views";
import { ObjectLink } from "./object_link";

const REASONS = ["what", "reason", "path"];

export function Suspects({ state }: HeapViewProps) {
  const suspects = state.data.suspects!;
  return (
    <div class="leaks heap-suspects">
      <p class="leaks-verdict">
        {suspects.length === 0
          ? "Nothing looks like a leak or a waste."
          : `${count(suspects.length)} things look like a leak or a waste.`}
      </p>
      <ol>
        {suspects.map((row, index) => {
          const title = String(row["kind"] ?? "suspect").replaceAll("_", " ");
          const named = [row["object"], ...(Array.isArray(row["objects"]) ? row["objects"] : [])];
          const objects = [...new Set(named)]
            .filter((each): each is number => typeof each === "number" && !!state.listed(each))
            .slice(0, 4);
          return (
            <li key={index} class="leak">
              <div class="leak-head">
                <strong>
                  <Name text={title} limit={100} />
                </strong>
                <dl>
                  {Object.entries(row)
                    .filter(
                      ([key, value]) => typeof value === "number" && /bytes|count|saved/.test(key),
                    )
                    .map(([key, value]) => (
                      <div key={key}>
                        <dt>{key.replaceAll("_", " ")}</dt>
                        <dd>
                          {/bytes|saved/.test(key) ? size(value as number) : count(value as number)}
                        </dd>
                      </div>
                    ))}
                </dl>
              </div>
              {REASONS.map((key) => row[key])
                .filter((each): each is string => typeof each === "string" && each !== "")
                .map((each) => (
                  <p key={each} class="leak-reason">
                    <Name text={each} limit={400} />
                  </p>
                ))}
              {objects.map((each) => (
                <div key={each}>
                  <ObjectLink state={state} object={each} />
                </div>
              ))}
            </li>
          );
        })}
      </ol>
    </div>
  );
}
