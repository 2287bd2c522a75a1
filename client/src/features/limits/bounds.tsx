/** Limits and one's own data at the end of the wallet; what is folded is asked for when it opens. Does not own: either. */
import { useState } from "react";
import { Fold } from "../../ui/fold.tsx";
import DataPanel from "../consent/data-panel.tsx";
import LimitsPanel from "./limits-panel.tsx";

export default function Bounds() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Fold title="Limits and breaks" testId="wallet-limits" onOpen={() => setOpen(true)}>
        {open && <LimitsPanel />}
      </Fold>
      <Fold title="My data" testId="wallet-data">
        <DataPanel />
      </Fold>
    </>
  );
}
