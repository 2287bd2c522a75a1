/** Filling the wallet: the address as text and as a QR code, and test coins on the devchain. */
import { useEffect, useState } from "react";
import { useActions } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Field } from "../../ui/field.tsx";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";

interface ReceiveProps {
  address: string;
  devchain: boolean;
  /** With nothing in the wallet, test coins are the next thing to do. */
  empty: boolean;
}

export function Receive({ address, devchain, empty }: ReceiveProps) {
  const actions = useActions();
  const toasts = useToasts();
  const [amount, setAmount] = useState("");
  const faucet = useTask(() => actions.faucet());
  const fill = async () => {
    if ((await faucet.run())?.ok) toasts.tell("Test coins are in your wallet.");
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(address);
      toasts.tell("Address copied.");
    } catch {
      toasts.tell("The browser did not allow copying: mark the address and copy it.");
    }
  };
  return (
    <section aria-label="Fill your wallet" className="flex flex-col gap-4">
      <h3 className="text-xl">Fill your wallet</h3>
      {devchain && (
        <>
          <ErrorNote failure={faucet.failed} />
          <Button
            look={empty ? "primary" : "outline"}
            wide
            pending={faucet.pending}
            onClick={fill}
            data-testid="faucet"
          >
            Get test coins
          </Button>
        </>
      )}
      <div className="flex items-center gap-4">
        <Qr text={paymentUri(address, Number(amount))} />
        <div className="min-w-0">
          <p className="label">Your address</p>
          <p className="mt-1 font-medium break-all select-all" data-testid="address">
            {address}
          </p>
          <Button size="small" className="mt-3" onClick={copy}>
            Copy
          </Button>
        </div>
      </div>
      <Field
        label="Ask for an amount"
        inputMode="numeric"
        value={amount}
        onChange={(event) => setAmount(event.target.value.replaceAll(/\D/g, "").slice(0, 12))}
        placeholder="any"
        hint="Put into the code, for wallets that scan it."
        suffix="sat"
        data-testid="receive-amount"
      />
    </section>
  );
}

/** What a wallet scans: the bare address, or with an amount a BIP-21 address of BSV wallets (`sv`), in coins. */
function paymentUri(address: string, sats: number): string {
  if (!(sats > 0)) return address;
  const coins = `${Math.floor(sats / 1e8)}.${String(sats % 1e8).padStart(8, "0")}`;
  return `bitcoin:${address}?sv&amount=${coins}`;
}

/** The drawing code comes in its own chunk: only who opens the wallet needs it. */
function Qr({ text }: { text: string }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    let wanted = true;
    import("qrcode")
      .then(({ toDataURL }) =>
        toDataURL(text, { margin: 1, width: 288, color: { dark: "#0d1402", light: "#f1f7e6" } }),
      )
      .then((drawn) => wanted && setUrl(drawn))
      // The address stands beside it as text: the page says the same without the drawing.
      .catch(() => wanted && setUrl(undefined));
    return () => {
      wanted = false;
    };
  }, [text]);
  return url ? (
    <img
      src={url}
      data-testid="receive-qr"
      data-text={text}
      alt="QR code of your address"
      className="size-28 shrink-0 rounded-xl"
    />
  ) : (
    <div className="size-28 shrink-0 rounded-xl bg-raised" aria-hidden="true" />
  );
}
