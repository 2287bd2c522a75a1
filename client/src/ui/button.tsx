/** Buttons. Owns: their look, and showing that something is under way. Does not own: what they do. */
import type { ComponentProps } from "react";

const looks = {
  primary: "bg-acid text-ink hover:bg-acid-soft disabled:bg-raised disabled:text-mist",
  solid: "bg-chalk text-ink hover:bg-white disabled:bg-raised disabled:text-mist",
  quiet: "bg-raised text-chalk hover:bg-line disabled:text-mist",
  outline:
    "border-2 border-edge text-chalk hover:border-acid hover:text-acid disabled:text-mist disabled:border-line",
} as const;
const sizes = {
  small: "h-9 px-3.5 text-sm rounded-lg",
  medium: "h-12 px-5 text-base rounded-xl",
  large: "h-14 px-6 text-lg rounded-xl",
} as const;

export interface ButtonProps extends ComponentProps<"button"> {
  look?: keyof typeof looks;
  size?: keyof typeof sizes;
  /** Shows that an answer is awaited and takes no second press. */
  pending?: boolean;
  wide?: boolean;
}

export function Button(props: ButtonProps) {
  const { look = "quiet", size = "medium", pending = false, wide, className = "", children, ...rest } = props;
  return (
    <button
      type="button"
      {...rest}
      disabled={pending || rest.disabled}
      aria-busy={pending || undefined}
      className={`relative inline-flex shrink-0 items-center justify-center gap-2 font-display font-bold tracking-tight whitespace-nowrap transition-[background-color,border-color,color,transform] duration-150 active:translate-y-px ${looks[look]} ${sizes[size]} ${wide ? "w-full" : ""} ${className}`}
    >
      <span className={`inline-flex items-center gap-2 ${pending ? "opacity-0" : ""}`}>{children}</span>
      {pending && (
        <span className="absolute inset-0 flex items-center justify-center gap-1.5" aria-hidden="true">
          <i className="breathe size-2 rounded-full bg-current" />
          <i className="breathe size-2 rounded-full bg-current [animation-delay:200ms]" />
          <i className="breathe size-2 rounded-full bg-current [animation-delay:400ms]" />
        </span>
      )}
    </button>
  );
}
