/** How much is unread, on the tab's icon and on the icon of the installed application. */

const SIZE_PX = 64;

export class Badge {
  #link = document.querySelector('link[rel="icon"]');
  #plain = this.#link.href;
  #image = null;
  #count = 0;

  show(count) {
    if (count === this.#count) return;
    this.#count = count;
    navigator.setAppBadge?.(count).catch(() => {});
    if (count === 0) this.#link.href = this.#plain;
    else this.#draw();
  }

  async #draw() {
    this.#image ??= this.#load();
    const image = await this.#image.catch(() => null);
    // Meanwhile all may have been read.
    if (!image || this.#count === 0) return;
    const canvas = Object.assign(document.createElement("canvas"), { width: SIZE_PX, height: SIZE_PX });
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0, SIZE_PX, SIZE_PX);
    pen.fillStyle = "#d92d20";
    pen.beginPath();
    pen.arc(SIZE_PX * 0.7, SIZE_PX * 0.3, SIZE_PX * 0.3, 0, 2 * Math.PI);
    pen.fill();
    pen.fillStyle = "#fff";
    pen.font = `bold ${SIZE_PX * 0.42}px sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(this.#count > 9 ? "9+" : this.#count, SIZE_PX * 0.7, SIZE_PX * 0.32);
    this.#link.href = canvas.toDataURL();
  }

  async #load() {
    const image = new Image(SIZE_PX, SIZE_PX);
    image.src = this.#plain;
    await image.decode();
    return image;
  }
}
