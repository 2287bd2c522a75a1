/** Sends somebody the page of a meme: the device's own sheet, the clipboard, or the address to copy by hand. */
import { useState } from "react";
import { Button } from "../../ui/button.tsx";
import { ShareIcon } from "../../ui/icons.tsx";
import { useToasts } from "../../ui/toast.tsx";

export function ShareButton({ path, title }: { path: string; title: string }) {
  const { tell } = useToasts();
  const [byHand, setByHand] = useState(false);
  const url = new URL(path, location.origin).href;
  const share = async () => {
    // Absent in many browsers, and in all of them on a page that is not secure.
    const { share: send, clipboard } = navigator as Partial<Navigator>;
    try {
      if (send) await send.call(navigator, { title: `${title}, in 3D`, url });
      else if (clipboard) {
        await clipboard.writeText(url);
        tell("Link copied.");
      } else setByHand(true);
    } catch (error) {
      // Whoever closes the device's sheet has changed their mind.
      if (!(error instanceof DOMException && error.name === "AbortError")) setByHand(true);
    }
  };
  return (
    <>
      <Button size="small" look="solid" data-testid="share" onClick={() => void share()}>
        <ShareIcon />
        Share
      </Button>
      {byHand && (
        <label className="order-last w-full">
          <span className="label">Copy this address</span>
          <input
            readOnly
            value={url}
            onFocus={(event) => event.target.select()}
            className="mt-1 block w-full rounded-lg border border-edge bg-pit px-3 py-2 text-sm"
          />
        </label>
      )}
    </>
  );
}
