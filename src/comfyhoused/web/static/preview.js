// Previews have fewer pixels than their picture: show them as large as it will be.

export function fitPreview(picture) {
  picture.style.setProperty("--ratio", picture.naturalWidth / picture.naturalHeight);
}
