/**
 * One's own page: profile, earnings, rounds, memes, devices, limits, data. Owns: which parts there are, and loading what
 * several of them show. Does not own: any of the parts.
 */
import type { ActivityRound, ActivityTotals, Earnings } from "@meme-rounds/shared-schema/rest-activity";
import { lazy, useEffect, useMemo, useState } from "react";
import { useGame } from "../../app/context.ts";
import { useMe } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Part } from "../../ui/part.tsx";
import { useTask } from "../../ui/use-task.ts";
import { count } from "../../ui/words.ts";
import { useSheets } from "../sheets.tsx";
import { createDashboardApi, type DashboardApi } from "./dashboard-api.ts";
import { Devices } from "./devices.tsx";
import { EarningsChart } from "./earnings-chart.tsx";
import { OwnMemes } from "./own-memes.tsx";
import { PlayedRounds } from "./played-rounds.tsx";
import { type OwnPicture, Profile } from "./profile.tsx";
import { useLoaded } from "./use-loaded.ts";

const LimitsPanel = lazy(() => import("../limits/limits-panel.tsx"));
const DataPanel = lazy(() => import("../consent/data-panel.tsx"));

export default function DashboardPage() {
  const { call } = useGame();
  const me = useMe();
  const { openWallet } = useSheets();
  const api = useMemo(() => createDashboardApi(call), [call]);
  if (!me.signedIn)
    return (
      <section aria-label="Your page" className="mx-auto flex max-w-2xl flex-col gap-5 pt-12">
        <h1 className="text-5xl sm:text-6xl">Your page</h1>
        <p className="text-lg text-mist">
          What you played, won and made, where you are signed in, and the limits you set. Sign in to see it.
        </p>
        <Button
          look="primary"
          className="self-start"
          onClick={() => openWallet()}
          data-testid="dashboard-sign-in"
        >
          Sign in
        </Button>
      </section>
    );
  return <Mine key={me.playKey} api={api} />;
}

interface Played {
  rounds: ActivityRound[];
  totals: ActivityTotals;
  earnings: Earnings | undefined;
  next: string | undefined;
}

function Mine({ api }: { api: DashboardApi }) {
  const profile = useLoaded(api.me);
  const [played, setPlayed] = useState<Played>();
  const load = useTask(async (cursor?: string) => {
    const answer = await api.activity(cursor);
    if (!answer.ok) return answer;
    const { rounds, totals, earnings, next } = answer.data;
    setPlayed((before) =>
      cursor === undefined || before === undefined
        ? { rounds, totals, earnings, next }
        : { ...before, rounds: [...before.rounds, ...rounds], next },
    );
    return { ok: true } as const;
  });
  const { run } = load;
  useEffect(() => {
    void run();
  }, [run]);
  const memes = useMemo(
    () => played?.rounds.flatMap(({ roundId, memes }) => memes.map((meme) => ({ ...meme, roundId }))) ?? [],
    [played],
  );
  const pictures = useMemo(() => {
    const seen = new Map<string, OwnPicture>();
    for (const { memeId, title, image, takenDown } of memes)
      if (!takenDown && image !== "") seen.set(memeId, { memeId, title, image });
    return [...seen.values()].slice(0, 24);
  }, [memes]);
  return (
    <div className="mx-auto flex max-w-5xl flex-col gap-14 pt-8 sm:pt-12" data-testid="dashboard">
      {profile.data ? (
        <Profile api={api} user={profile.data} pictures={pictures} onChange={profile.again} />
      ) : (
        <Waiting failed={profile.failed !== undefined} onAgain={profile.again} />
      )}
      <ErrorNote failure={profile.failed ?? load.failed} />
      {played === undefined ? (
        <Waiting failed={load.failed !== undefined} onAgain={() => void run()} />
      ) : played.totals.rounds === 0 ? (
        <p className="text-lg text-mist" data-testid="nothing-played">
          You have not played a round yet. When one you are in has closed, it stands here, to the satoshi.
        </p>
      ) : (
        <>
          <section aria-label="Earnings" className="flex flex-col gap-5">
            <Figures totals={played.totals} />
            {played.earnings && <EarningsChart earnings={played.earnings} />}
          </section>
          <PlayedRounds
            rounds={played.rounds}
            more={played.next !== undefined}
            pending={load.pending}
            onMore={() => void run(played.next)}
          />
          {memes.length > 0 && <OwnMemes memes={memes} />}
        </>
      )}
      <section aria-label="Devices" className="flex flex-col gap-5" data-testid="devices">
        <h2 className="text-3xl">Devices</h2>
        <Devices api={api} />
      </section>
      <section aria-label="Limits and data" className="grid gap-10 lg:grid-cols-2">
        <div className="flex flex-col gap-5">
          <h2 className="text-3xl">Limits</h2>
          <Part>
            <LimitsPanel />
          </Part>
        </div>
        <div className="flex flex-col gap-5">
          <h2 className="text-3xl">Your data</h2>
          <Part>
            <DataPanel />
          </Part>
        </div>
      </section>
    </div>
  );
}

function Waiting({ failed, onAgain }: { failed: boolean; onAgain(): void }) {
  return failed ? (
    <Button className="self-start" onClick={onAgain}>
      Try again
    </Button>
  ) : (
    <p role="status" className="text-mist">
      Loading…
    </p>
  );
}

function Figures({ totals }: { totals: ActivityTotals }) {
  const { rounds, depositedSats, wonSats, returnedSats, netSats } = totals;
  const figures = [
    { name: "Rounds", value: count(rounds) },
    { name: "Put in, sat", value: count(depositedSats) },
    { name: "Won, sat", value: count(wonSats) },
    { name: "Came back, sat", value: count(returnedSats) },
  ];
  return (
    <dl className="figures grid grid-cols-2 gap-3 sm:grid-cols-5">
      <div className="col-span-2 rounded-2xl bg-acid p-4 text-ink sm:col-span-1">
        <dt className="text-sm font-semibold">Net, sat</dt>
        <dd className="display mt-2 text-3xl" data-testid="net" data-sats={netSats}>
          {netSats < 0 ? "−" : ""}
          {count(Math.abs(netSats))}
        </dd>
      </div>
      {figures.map(({ name, value }) => (
        <div key={name} className="rounded-2xl bg-raised p-4">
          <dt className="text-sm font-semibold text-mist">{name}</dt>
          <dd className="display mt-2 text-2xl">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
