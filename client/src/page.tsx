/** The whole page: header, the view of this address, the sheets. Does not own: what any of them shows. */
import { lazy, Suspense, useMemo, useState } from "react";
import { EnterSheet } from "./features/enter/enter-sheet.tsx";
import { GalleryPage } from "./features/gallery/gallery-page.tsx";
import { MemePage } from "./features/gallery/meme-page.tsx";
import { ViewerSheet } from "./features/gallery/viewer-sheet.tsx";
import { RoundsPage } from "./features/result/rounds-page.tsx";
import { Arena } from "./features/round/arena.tsx";
import { DrainBanner } from "./features/round/drain-banner.tsx";
import { Header } from "./features/round/header.tsx";
import { type SheetState, type Sheets, SheetsContext } from "./features/sheets.tsx";
import { VaultBar } from "./features/wallet/vault-bar.tsx";
import { WalletSheet } from "./features/wallet/wallet-sheet.tsx";
import { Part } from "./ui/part.tsx";
import { usePath } from "./ui/use-path.ts";

const DashboardPage = lazy(() => import("./features/dashboard/dashboard-page.tsx"));
const DocumentPage = lazy(() => import("./features/consent/document-page.tsx"));
const VerifyPage = lazy(() => import("./features/verify/verify-page.tsx"));

function View({ path }: { path: string }) {
  if (path.startsWith("/gallery")) return <GalleryPage />;
  const [, roundId, memeId] = /^\/m\/([^/]{1,70})\/([0-9a-f]{64})\/?$/.exec(path) ?? [];
  if (roundId !== undefined && memeId !== undefined)
    return <MemePage key={path} roundId={decodeURIComponent(roundId)} memeId={memeId} />;
  const verified = /^\/rounds\/([^/]{1,70})\/verify\/?$/.exec(path)?.[1];
  if (verified !== undefined)
    return (
      <Suspense>
        <VerifyPage roundId={decodeURIComponent(verified)} />
      </Suspense>
    );
  const document = /^\/(terms|privacy)\/?$/.exec(path)?.[1];
  if (document === "terms" || document === "privacy")
    return (
      <Suspense>
        <DocumentPage which={document} />
      </Suspense>
    );
  if (/^\/me\/?$/.test(path))
    return (
      <Part>
        <DashboardPage />
      </Part>
    );
  if (path.startsWith("/rounds")) return <RoundsPage />;
  return <Arena />;
}

export function Page() {
  const path = usePath();
  const [sheet, setSheet] = useState<SheetState>({ kind: "none" });
  const sheets = useMemo<Sheets>(
    () => ({
      openWallet: (reason, backTo) =>
        setSheet({ kind: "wallet", ...(reason && { reason }), ...(backTo && { backTo }) }),
      openEnter: () => setSheet({ kind: "enter" }),
      openViewer: (exhibit, backTo) => setSheet({ kind: "viewer", exhibit, ...(backTo && { backTo }) }),
      close: () => setSheet({ kind: "none" }),
    }),
    [],
  );
  // A sheet that was replaced by another closes too: its word does not count any more.
  const closeIf = (kind: SheetState["kind"]) => () =>
    setSheet((now) => {
      if (now.kind !== kind) return now;
      const backTo = now.kind === "wallet" || now.kind === "viewer" ? now.backTo : undefined;
      return { kind: backTo ?? "none" };
    });
  return (
    <SheetsContext value={sheets}>
      <Header path={path} />
      <main className="mx-auto max-w-[1520px] px-4 pb-32 sm:px-6 lg:pb-16">
        <DrainBanner />
        <VaultBar />
        <View path={path} />
      </main>
      <EnterSheet open={sheet.kind === "enter"} onClose={closeIf("enter")} />
      <WalletSheet
        open={sheet.kind === "wallet"}
        reason={sheet.kind === "wallet" ? sheet.reason : undefined}
        onClose={closeIf("wallet")}
      />
      {sheet.kind === "viewer" && <ViewerSheet exhibit={sheet.exhibit} onClose={closeIf("viewer")} />}
    </SheetsContext>
  );
}
