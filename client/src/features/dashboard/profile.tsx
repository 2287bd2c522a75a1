/** Name and picture, as everybody sees them (M6). Does not own: the profile; the server keeps it and puts it on chain. */
import type { User } from "@meme-rounds/shared-schema/rest";
import { type FormEvent, useState } from "react";
import { useActions } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Field } from "../../ui/field.tsx";
import { Picture } from "../../ui/picture.tsx";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";
import { shortId } from "../../ui/words.ts";
import type { DashboardApi } from "./dashboard-api.ts";

export interface OwnPicture {
  memeId: string;
  title: string;
  image: string;
}

interface ProfileProps {
  api: DashboardApi;
  user: User;
  /** Pictures of one's own that may stand for one. */
  pictures: readonly OwnPicture[];
  onChange(): void;
}

export function Profile({ api, user, pictures, onChange }: ProfileProps) {
  const actions = useActions();
  const toasts = useToasts();
  const [name, setName] = useState<string>();
  const [choosing, setChoosing] = useState(false);
  const rename = useTask((next: string) => actions.setName(next));
  const picture = useTask(async (avatar: string | null) => {
    const answer = await api.change({ avatar });
    return answer.ok ? ({ ok: true } as const) : answer;
  });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!(await rename.run((name ?? "").trim()))?.ok) return;
    setName(undefined);
    toasts.tell("Your name is changed. It goes on chain with the next round.");
    onChange();
  };
  const choose = async (avatar: string | null) => {
    if (!(await picture.run(avatar))?.ok) return;
    setChoosing(false);
    onChange();
  };
  return (
    <section aria-label="Profile" className="flex flex-col gap-4" data-testid="profile">
      <div className="flex items-center gap-5">
        <Picture
          src={user.avatar ?? ""}
          alt={user.avatar ? "Your picture" : "No picture yet"}
          className="size-24 shrink-0 rounded-3xl"
        />
        <div className="min-w-0">
          <h1 className="truncate text-4xl sm:text-6xl" data-testid="profile-name">
            {user.name}
          </h1>
          <p className="mt-2 text-sm text-mist" title={user.identity}>
            {user.role === "player" ? "Player" : user.role === "admin" ? "Admin" : "Moderator"},{" "}
            {shortId(user.address, 10)}
          </p>
        </div>
      </div>
      <ErrorNote failure={rename.failed ?? picture.failed} />
      {name === undefined ? (
        <div className="flex flex-wrap gap-2">
          <Button onClick={() => setName(user.name)} data-testid="rename">
            Change name
          </Button>
          <Button onClick={() => setChoosing(!choosing)} aria-expanded={choosing} data-testid="avatar">
            Change picture
          </Button>
        </div>
      ) : (
        <form onSubmit={submit} className="flex max-w-md flex-wrap items-end gap-2">
          <Field
            className="min-w-0 flex-1 basis-56"
            label="Name"
            value={name}
            maxLength={32}
            onChange={(event) => {
              setName(event.target.value);
              rename.clear();
            }}
            data-testid="profile-name-field"
          />
          <Button
            type="submit"
            look="solid"
            className="h-13"
            pending={rename.pending}
            disabled={name.trim() === "" || name === user.name}
            data-testid="profile-name-save"
          >
            Save
          </Button>
          <Button className="h-13" onClick={() => setName(undefined)}>
            Cancel
          </Button>
        </form>
      )}
      {choosing && (
        <div className="flex flex-col gap-3 rounded-2xl bg-raised p-4">
          <p className="text-sm text-mist">
            {pictures.length === 0
              ? "Memes that you have played can stand for you. Play one first."
              : "One of your memes stands for you."}
          </p>
          <ul className="flex flex-wrap gap-3">
            {pictures.map(({ memeId, title, image }) => (
              <li key={memeId}>
                <button
                  type="button"
                  aria-label={`Use ${title}`}
                  aria-pressed={user.avatar === `/media/${memeId}`}
                  disabled={picture.pending}
                  onClick={() => choose(memeId)}
                  data-testid="avatar-choice"
                  className="block overflow-hidden rounded-2xl border-2 border-line hover:border-acid aria-pressed:border-acid"
                >
                  <Picture src={image} alt="" className="size-20" />
                </button>
              </li>
            ))}
          </ul>
          {user.avatar !== undefined && (
            <Button
              size="small"
              className="self-start"
              onClick={() => choose(null)}
              data-testid="avatar-none"
            >
              No picture
            </Button>
          )}
        </div>
      )}
    </section>
  );
}
