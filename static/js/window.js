/**
 * Which of thousands of rows are in the document: those in view, and some more on both sides. Pure.
 *
 * A *place* says where one is: a row, and how far below the upper edge of the view its top is (negative: above it). It
 * holds while rows come and go around it, and while heights that were guessed are measured.
 */

/** Before anything was measured: a line of text, and what is around it. */
const GUESS_PX = 40;

/** The heights of rows by their key: as measured, or else as others are on average. */
export class Heights {
  #known = new Map();
  #sum = 0;

  measured(key, px) {
    this.#sum += px - (this.#known.get(key) ?? 0);
    this.#known.set(key, px);
  }

  of(rows) {
    const average = this.#known.size > 0 ? this.#sum / this.#known.size : GUESS_PX;
    return rows.map(({ key }) => this.#known.get(key) ?? average);
  }
}

/** The place at `top` px below the start of rows of these heights. */
export function placeAt(heights, top) {
  let index = 0;
  let above = 0;
  while (index < heights.length - 1 && above + heights[index] <= top) above += heights[index++];
  return { index, offset: above - top };
}

/**
 * Rows `from` (inclusive) to `to` (exclusive) are drawn, `above` and `below` are the heights of all others. `view`: its
 * height; `ahead`: how much more is drawn on each side.
 */
export function windowAt(heights, { index, offset }, { view, ahead }) {
  let from = index;
  for (let missing = offset + ahead; from > 0 && missing > 0; ) missing -= heights[(from -= 1)];
  let to = index;
  for (let missing = view + ahead - offset; to < heights.length && missing > 0; ) missing -= heights[to++];
  return { from, to, above: sum(heights, 0, from), below: sum(heights, to, heights.length) };
}

/** The place that shows the end. */
export const endOf = (heights, view) => ({ index: heights.length, offset: view });

function sum(heights, from, to) {
  let total = 0;
  for (let at = from; at < to; at += 1) total += heights[at];
  return total;
}
