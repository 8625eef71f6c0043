/* Requests to the server of this page, and nothing else. */

export async function act(what, body = {}) {
  const answer = await fetch(`do/${what}`, { method: "POST", body: JSON.stringify(body) });
  const data = await answer.json().catch(() => ({ error: "The server gave no answer." }));
  if (!answer.ok) throw new Error(data.error || "The server refused.");
  return data;
}

export async function state() {
  const answer = await fetch("state");
  if (!answer.ok) throw new Error("The server refused.");
  return answer.json();
}

/* Pictures by frame, look and revision; those ahead are fetched while the last one is shown. */
const kept = new Map();
const MOST = 48;

export function picture(frame, style, version) {
  const key = `${frame} ${style} ${version}`;
  if (!kept.has(key)) {
    const wanted = fetch(`frame/${frame}?style=${encodeURIComponent(style)}&v=${version}`).then(async (answer) => {
      if (!answer.ok) throw new Error(await answer.text());
      return {
        image: await createImageBitmap(await answer.blob()),
        time: Number(answer.headers.get("x-time")),
        masks: answer.headers.get("x-masks") === "1",
      };
    });
    kept.set(key, wanted);
    wanted.catch(() => kept.delete(key));
    if (kept.size > MOST) kept.delete(kept.keys().next().value);
  }
  return kept.get(key);
}
