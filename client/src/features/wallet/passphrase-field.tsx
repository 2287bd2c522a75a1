/** A field for a passphrase. Owns: its look, and telling password managers which one it is. */
import { type ComponentProps, useState } from "react";
import { Field } from "../../ui/field.tsx";

interface PassphraseFieldProps extends Omit<ComponentProps<typeof Field>, "type" | "suffix"> {
  /** `new`: one that is chosen here. */
  which: "current" | "new";
}

export function PassphraseField({ which, ...rest }: PassphraseFieldProps) {
  const [isShown, setShown] = useState(false);
  return (
    <Field
      {...rest}
      type={isShown ? "text" : "password"}
      autoComplete={`${which}-password`}
      autoCapitalize="none"
      spellCheck={false}
      suffix={
        <button
          type="button"
          onClick={() => setShown(!isShown)}
          aria-pressed={isShown}
          className="rounded px-1 underline underline-offset-4 hover:text-acid"
        >
          {isShown ? "Hide" : "Show"}
        </button>
      }
    />
  );
}
