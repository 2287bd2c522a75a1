/** The live round: status above, ranked memes in the middle, chat at the side. Does not own: any of the three. */
import { useState } from "react";
import { useFinished, useRound } from "../../app/hooks.ts";
import { ChatPanel } from "../chat/chat-panel.tsx";
import { ResultPanel } from "../result/result-panel.tsx";
import { BoostBar } from "./boost-bar.tsx";
import { MemeBoard } from "./meme-board.tsx";
import { Stage } from "./stage.tsx";

const BOOST_AMOUNTS = [10, 100, 1_000] as const;

export function Arena() {
  const round = useRound();
  const finished = useFinished();
  const [amount, setAmount] = useState<number>(100);
  const [tab, setTab] = useState<"memes" | "chat">("memes");
  if (!round) {
    return (
      <div role="status" className="grid min-h-[60dvh] place-content-center gap-3 text-center">
        <p className="display breathe text-5xl">Finding the arena</p>
        <p className="text-mist">The round is on its way. This takes a second or two.</p>
      </div>
    );
  }
  return (
    <>
      <Stage round={round} />
      <div className="grid gap-x-8 lg:grid-cols-[minmax(0,1fr)_21rem] xl:grid-cols-[minmax(0,1fr)_23rem]">
        <div className="min-w-0">
          {finished && <ResultPanel key={finished.detail.roundId} finished={finished} />}
          <BoostBar
            round={round}
            amounts={BOOST_AMOUNTS}
            amount={amount}
            onAmount={setAmount}
            tab={tab}
            onTab={setTab}
          />
          <div className={tab === "memes" ? "" : "hidden lg:block"}>
            <MemeBoard round={round} amount={amount} />
          </div>
        </div>
        <div className={`min-w-0 ${tab === "chat" ? "" : "hidden lg:block"}`}>
          <ChatPanel round={round} />
        </div>
      </div>
    </>
  );
}
