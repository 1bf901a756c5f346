/** Two soft notes, made by the browser itself. Before a first click or key it may not sound, and stays silent. */

const NOTES_HZ = [659.3, 880];
const APART_S = 0.12;
const LENGTH_S = 0.35;
const LOUDNESS = 0.08;
/** Many messages at once are one sound. */
const PAUSE_MS = 2_000;

let context = null;
let soundedAt = -Infinity;

export function chime() {
  if (performance.now() - soundedAt < PAUSE_MS || !navigator.userActivation?.hasBeenActive) return;
  soundedAt = performance.now();
  context ??= new AudioContext();
  context.resume();
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
