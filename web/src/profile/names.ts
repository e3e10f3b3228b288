// What frames, files and groups are called. Texts are as the capture has them: views show them through
// text/visible, never as markup.

import type { Grouping } from "./grouping";
import type { Profile } from "./profile";

export const NO_FRAME = "no Python frame";

/** The last two parts of a path: enough to know it by. */
export function shortFile(file: string): string {
  if (file.startsWith("<")) return file;
  const parts = file.split("/").filter(Boolean);
  return parts.length > 2 ? parts.slice(-2).join("/") : parts.join("/") || file;
}

export class Names {
  constructor(private readonly profile: Profile) {}

  /** The qualified name. */
  function(frame: number): string {
    const { frames, strings } = this.profile;
    return strings.get(frames.function[frame]!) || NO_FRAME;
  }

  file(file: number): string {
    return this.profile.strings.get(this.profile.files.name[file]!);
  }

  fileOfFrame(frame: number): string {
    return this.file(this.profile.frames.file[frame]!);
  }

  module(file: number): string {
    const { files, strings } = this.profile;
    return strings.get(files.module[file]!) || this.file(file);
  }

  /** The library's distribution, or whose the file is otherwise: "program", "interpreter". */
  distribution(file: number): string {
    const { files, strings } = this.profile;
    return strings.get(files.distribution[file]!) || this.owner(file);
  }

  owner(file: number): string {
    return this.profile.manifest.owners[this.profile.files.owner[file]!] ?? "";
  }

  ownerOfFrame(frame: number): string {
    return this.owner(this.profile.frames.file[frame]!);
  }

  /** "work.py:58". */
  place(frame: number): string {
    if (frame === 0) return "";
    const line = this.profile.frames.line[frame]!;
    const file = shortFile(this.fileOfFrame(frame));
    return line > 0 ? `${file}:${line}` : file;
  }

  /** "/srv/app/work.py:58". */
  fullPlace(frame: number): string {
    const line = this.profile.frames.line[frame]!;
    const file = this.fileOfFrame(frame);
    return line > 0 ? `${file}:${line}` : file;
  }

  /** "main work.py:58". */
  frame(frame: number): string {
    if (frame === 0) return NO_FRAME;
    return `${this.function(frame)} ${this.place(frame)}`;
  }

  group(grouping: Grouping, key: number): string {
    const frame = grouping.exampleFrame[key]!;
    const file = this.profile.frames.file[frame]!;
    switch (grouping.kind) {
      case "line":
        return this.frame(frame);
      case "function":
        return this.function(frame);
      case "file":
        return frame === 0 ? NO_FRAME : this.file(file);
      case "module":
        return frame === 0 ? NO_FRAME : this.module(file);
      case "distribution":
        return frame === 0 ? NO_FRAME : this.distribution(file);
    }
  }
}
