// A picture of the reader's own, from a file or from the camera, as the network takes it.
import { fitImage } from "./picture.js";

const SIZE = 32; // pixels of an image, as the network is made for
const MOST_BYTES = 40e6, MOST_PIXELS = 67e6;

/** Read a file as a square image. Throws an Error that says why it is no picture. */
export async function openPhotograph(file, size = SIZE) {
  const name = file.name ?? "This picture";
  if (file.size > MOST_BYTES) {
    throw new Error(`${name} has ${Math.round(file.size / 1e6)} MB; choose one below 40 MB.`);
  }
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => {
    const isApple = /\.hei[cf]$/i.test(name);
    const apple = isApple ? " Photographs in HEIC must be saved as JPEG first." : "";
    throw new Error(`${name} is no picture that this browser can read.${apple}`);
  });
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) {
    bitmap.close();
    throw new Error(`${name} has ${width} × ${height} pixels; that is too large.`);
  }
  try {
    return readPixels(bitmap, width, height, size);
  } catch {
    throw new Error(`${name} has ${width} × ${height} pixels; that is too large for this browser.`);
  } finally {
    bitmap.close(); // its memory need not wait
  }
}

/** Start the camera and show in `video` what it sees. Throws an Error that says why it cannot. */
export async function startCamera(video) {
  const reasons = {
    NotAllowedError: "The camera may not be used: this page has no permission for it.",
    NotFoundError: "No camera was found.",
    NotReadableError: "The camera is in use by another program.",
  };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: true });
    stopCamera(video);
    video.srcObject = stream;
    await video.play();
  } catch (error) {
    stopCamera(video);
    throw new Error(reasons[error.name] ?? `The camera could not be started (${error.message}).`);
  }
}

/** Take what the camera sees now as an image of 32x32. */
export const takeFrame = (video) => readPixels(video, video.videoWidth, video.videoHeight, SIZE);

export function stopCamera(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

function readPixels(picture, width, height, size) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const draw = canvas.getContext("2d", { willReadFrequently: true });
  draw.fillStyle = "#fff"; // below transparent pixels
  draw.fillRect(0, 0, width, height);
  draw.drawImage(picture, 0, 0);
  const pixels = draw.getImageData(0, 0, width, height);
  canvas.width = canvas.height = 0;
  // older browsers give an empty canvas where one would be too large, and say nothing
  if (!pixels.data[pixels.data.length - 1]) throw new Error("The picture came out empty.");
  return fitImage(pixels, size);
}
