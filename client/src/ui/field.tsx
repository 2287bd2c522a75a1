/** A labelled text field. Owns: label, hint, and their ties to the input. Does not own: the value. */
import { type ComponentProps, type ReactNode, useId } from "react";

interface FieldProps extends ComponentProps<"input"> {
  label: string;
  hint?: ReactNode;
  /** Said at the right end of the field: a unit, a count. */
  suffix?: ReactNode;
}

export function Field({ label, hint, suffix, className = "", ...rest }: FieldProps) {
  const id = useId();
  return (
    <div className={`flex flex-col gap-2 ${className}`}>
      <label htmlFor={id} className="label">
        {label}
      </label>
      <div className="flex h-13 items-center gap-2 rounded-xl border-2 border-line bg-pit px-4 transition-colors focus-within:border-acid hover:border-edge focus-within:hover:border-acid">
        <input
          id={id}
          aria-describedby={hint ? `${id}-hint` : undefined}
          className="figures h-full min-w-0 flex-1 bg-transparent text-base text-chalk outline-none placeholder:text-mist/70"
          {...rest}
        />
        {suffix && <span className="label figures shrink-0">{suffix}</span>}
      </div>
      {hint && (
        <p id={`${id}-hint`} className="text-sm text-mist">
          {hint}
        </p>
      )}
    </div>
  );
}
