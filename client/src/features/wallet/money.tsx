/** The less pressed half of the wallet, in a chunk of its own. Owns: which parts there are. */
import { useWallet } from "../../app/hooks.ts";
import { AutoJoin } from "./auto-join.tsx";
import { History } from "./history.tsx";
import { TopUp } from "./top-up.tsx";
import { Withdraw } from "./withdraw.tsx";

export default function Money() {
  const { balanceSats, autoJoin, history } = useWallet();
  return (
    <div className="flex flex-col gap-4">
      <TopUp />
      <AutoJoin settings={autoJoin} />
      <Withdraw balanceSats={balanceSats} />
      <History events={history} />
    </div>
  );
}
