// One of a few: a row of buttons of which one is pressed.

export interface ChoiceProps<Id extends string> {
  label: string;
  options: readonly { id: Id; label: string; about?: string }[];
  value: Id;
  onChange(id: Id): void;
}

export function Choice<Id extends string>({ label, options, value, onChange }: ChoiceProps<Id>) {
  return (
    <div role="group" aria-label={label} class="choice">
      {options.map(({ id, label: text, about }) => (
        <button
          key={id}
          type="button"
          title={about}
          aria-pressed={value === id}
          onClick={() => onChange(id)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

/** One of several, folded. */
export function Pick<Id extends string>({ label, options, value, onChange }: ChoiceProps<Id>) {
  return (
    <label class="pick">
      <span class="unseen">{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value as Id)}>
        {options.map(({ id, label: text }) => (
          <option key={id} value={id}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
