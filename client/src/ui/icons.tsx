/** The few icons, drawn on a 24 grid. Decoration: whatever holds one carries the words. */
import type { ReactNode } from "react";

const icon = (path: ReactNode, size = "size-5") => (
  <svg
    viewBox="0 0 24 24"
    className={size}
    fill="none"
    stroke="currentColor"
    strokeWidth="2.4"
    strokeLinecap="round"
    strokeLinejoin="round"
    aria-hidden="true"
  >
    {path}
  </svg>
);

export const CloseIcon = () => icon(<path d="M6 6l12 12M18 6L6 18" />);
export const PlusIcon = () => icon(<path d="M12 5v14M5 12h14" />);
export const WalletIcon = () =>
  icon(
    <path d="M4 7.5A2.5 2.5 0 0 1 6.5 5H18v4M4 7.5V17a2 2 0 0 0 2 2h14V9H5.5A1.5 1.5 0 0 1 4 7.5M16 14h.01" />,
  );
export const UpIcon = () => icon(<path d="M12 19V5M5.5 11.5L12 5l6.5 6.5" />);
export const FlagIcon = () => icon(<path d="M6 21V4h11l-2.5 4L17 12H6" />, "size-4");
export const PictureIcon = () => icon(<path d="M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01" />, "size-8");
export const CubeIcon = () => icon(<path d="M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9" />);
export const TurnIcon = () => icon(<path d="M19 12a7 7 0 1 1-2.5-5.4M17 3v4h-4" />);
export const PlayIcon = () => icon(<path d="M8 5.5v13l11-6.5z" fill="currentColor" />);
export const PauseIcon = () => icon(<path d="M8.5 6v12M15.5 6v12" strokeWidth="4" />);
export const DownIcon = () => icon(<path d="M12 4v11M6 10l6 6 6-6M5 20h14" />, "size-4");
export const ShareIcon = () => icon(<path d="M12 15V4M7.5 8L12 3.5 16.5 8M5 13v7h14v-7" />, "size-4");
export const OutIcon = () => icon(<path d="M8 6h10v10M18 6L6 18" />, "size-3.5");

export const Mark = () => (
  <svg viewBox="0 0 32 32" className="size-8" aria-hidden="true">
    <rect width="32" height="32" rx="8" className="fill-acid" />
    <path d="M7 23V9h4l5 7 5-7h4v14h-4v-8l-5 7-5-7v8z" className="fill-ink" />
  </svg>
);
