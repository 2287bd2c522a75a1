/** One's own data: as a file, or deleted (I6). Owns: asking twice, saying what stays. Does not own: the data. */
import { useState } from "react";
import { useActions } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { saveJson } from "../../ui/save-file.ts";
import { useTask } from "../../ui/use-task.ts";
import { TermsLinks } from "./consent-note.tsx";

export default function DataPanel() {
  const actions = useActions();
  const [sure, setSure] = useState(false);
  const download = useTask(async () => {
    const answer = await actions.exportData();
    if (answer.ok) saveJson(answer.fileName, answer.json);
    return answer;
  });
  const erase = useTask(() => actions.deleteData());
  return (
    <section aria-label="My data" className="flex flex-col gap-4" data-testid="data-panel">
      <p className="text-sm text-mist">
        Everything we keep about you outside of the blockchain. What it is and why: the <TermsLinks />.
      </p>
      <ErrorNote failure={download.failed ?? erase.failed} />
      <div className="flex flex-wrap gap-2">
        <Button
          look="solid"
          pending={download.pending}
          onClick={() => download.run()}
          data-testid="data-download"
        >
          Download my data
        </Button>
        {!sure && (
          <Button look="outline" onClick={() => setSure(true)} data-testid="data-delete">
            Delete my data…
          </Button>
        )}
      </div>
      {sure && (
        <div className="flex flex-col gap-3 rounded-2xl border-2 border-flare p-4">
          <p className="text-sm">
            Your name, sessions, uploads and settings go, and you are signed out everywhere. The coins stay in
            this browser under your key. What is on the blockchain stays there.
          </p>
          <div className="flex flex-wrap gap-2">
            <Button
              look="primary"
              pending={erase.pending}
              onClick={() => erase.run()}
              data-testid="data-delete-confirm"
            >
              Delete it
            </Button>
            <Button onClick={() => setSure(false)}>Keep it</Button>
          </div>
        </div>
      )}
    </section>
  );
}
