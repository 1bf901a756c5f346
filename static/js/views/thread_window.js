/** Draws the rows of a thread that are near the view (window.js decides which), and keeps what one reads in its place. */

import { endOf, Heights, placeAt, windowAt } from "../window.js";
import { drawnIn, reconcile } from "./dom.js";

/** So much is drawn beyond each edge, and drawn anew when less than half of it is left. */
const AHEAD_PX = 1_500;

export class ThreadWindow {
  #scroller;
  #list;
  #row;
  #heights = new Heights();
  #rows = [];
  #drawn = { from: 0, to: 0 };

  /** `row` has `create` and `update`, as `reconcile` calls them. */
  constructor(scroller, list, row) {
    this.#scroller = scroller;
    this.#list = list;
    this.#row = row;
  }

  /** Another thread: nothing is known of its heights. */
  clear() {
    this.#heights = new Heights();
    this.#rows = [];
  }

  /** Where one is: the first message in view, `{key, number, offset}`; null where none is. */
  place() {
    const view = this.#scroller.clientHeight;
    for (const { key, number } of this.#rows.slice(this.#drawn.from, this.#drawn.to)) {
      // Days and lines come and go with what is loaded around them.
      if (number === undefined || this.#bottomOf(key) <= 0) continue;
      const offset = this.#topOf(key);
      return offset < view ? { key, number, offset } : null;
    }
    return null;
  }

  /**
   * Draws `rows` around a place, or around the end (null). A row that is gone is stood for by the next one; unless it is
   * being loaded (`wait`): then everything stays as it is.
   */
  draw(rows, place, { wait = false } = {}) {
    const view = this.#scroller.clientHeight;
    const index = place ? indexOf(rows, place, wait) : -1;
    if (index < 0 && wait && place) return;
    this.#rows = rows;
    const heights = this.#heights.of(rows);
    const at = index < 0 ? endOf(heights, view) : { index, offset: place.offset };
    const { from, to, above, below } = windowAt(heights, at, { view, ahead: AHEAD_PX });
    this.#drawn = { from, to };
    this.#list.style.setProperty("padding-block", `${above}px ${below}px`);
    reconcile(this.#list, rows.slice(from, to), { key: (row) => row.key, ...this.#row });
    this.#measure();
    if (index < 0) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    else this.#scroller.scrollTop += this.#topOf(rows[index].key) - place.offset;
  }

  /** After a scroll: draws what has come near. Gives whether it did. */
  follow() {
    const { from, to } = this.#drawn;
    if (this.#rows.length === 0 || (from === 0 && to === this.#rows.length)) return false;
    const [first, last] = [this.#topOf(this.#rows[from].key), this.#bottomOf(this.#rows[to - 1].key)];
    const enough = AHEAD_PX / 2;
    const above = from === 0 || first < -enough;
    const below = to === this.#rows.length || last > this.#scroller.clientHeight + enough;
    if (above && below) return false;
    this.draw(this.#rows, this.place() ?? this.#placeInTheBlank());
    return true;
  }

  /** Thrown far by the scroll bar, one is where nothing is drawn. */
  #placeInTheBlank() {
    const heights = this.#heights.of(this.#rows);
    const start = this.#list.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
    const { index, offset } = placeAt(heights, -start);
    return { key: this.#rows[index].key, offset };
  }

  #measure() {
    const { from, to } = this.#drawn;
    let top = null;
    for (let at = to - 1; at >= from; at -= 1) {
      const { element } = drawnIn(this.#list).get(this.#rows[at].key);
      const own = element.offsetTop;
      // The margin between two rows is counted with the upper one.
      this.#heights.measured(this.#rows[at].key, top === null ? element.offsetHeight : top - own);
      top = own;
    }
  }

  #topOf(key) {
    return this.#box(key).top - this.#scroller.getBoundingClientRect().top;
  }

  #bottomOf(key) {
    return this.#box(key).bottom - this.#scroller.getBoundingClientRect().top;
  }

  #box(key) {
    return drawnIn(this.#list).get(key).element.getBoundingClientRect();
  }
}

function indexOf(rows, { key, number }, exactly) {
  const index = rows.findIndex((row) => row.key === key);
  return index >= 0 || exactly ? index : rows.findIndex((row) => row.number >= number);
}
