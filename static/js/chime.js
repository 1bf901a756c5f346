/**
 * Two soft notes, made by the browser itself. A page may not sound before a first click or key in it: `maySound` says
 * whether this one may. Of several that are asked, one does.
 */

const NOTES_HZ = [659.3, 880];
const APART_S = 0.12;
const LENGTH_S = 0.35;
const LOUDNESS = 0.08;
/** Many messages at once are one sound. */
const PAUSE_MS = 2_000;

const LOCK = "webchat.chime";

let context = null;
let soundedAt = -Infinity;

export const maySound = () => navigator.userActivation?.hasBeenActive ?? true;

export function chime() {
  if (performance.now() - soundedAt < PAUSE_MS) return;
  soundedAt = performance.now();
  if (!navigator.locks) return sound();
  navigator.locks.request(LOCK, { ifAvailable: true }, async (free) => {
    if (!free) return;
    sound();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  });
}

async function sound() {
  context ??= new AudioContext();
  // What is planned while it sleeps would be over when it wakes.
  await context.resume();
  NOTES_HZ.forEach((frequency, at) => note(frequency, context.currentTime + at * APART_S));
}

function note(frequency, start) {
  const tone = new OscillatorNode(context, { frequency });
  const loudness = new GainNode(context, { gain: 0 });
  loudness.gain.setValueAtTime(0, start);
  loudness.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
  loudness.gain.exponentialRampToValueAtTime(0.001, start + LENGTH_S);
  tone.connect(loudness).connect(context.destination);
  tone.start(start);
  tone.stop(start + LENGTH_S);
}
