//! Pictures on the graphics adapter, made anew only when what they show changes.

use egui::{ColorImage, Context, TextureFilter, TextureHandle, TextureOptions};
use ptycho_core::paint::raster::{Rgba, area_average};

/// Sharp pixels when magnified: a pixel of an array is a square, not a blur.
const OPTIONS: TextureOptions = TextureOptions {
    magnification: TextureFilter::Nearest,
    minification: TextureFilter::Linear,
    wrap_mode: egui::TextureWrapMode::ClampToEdge,
    mipmap_mode: None,
};

/// A picture as egui takes it.
pub fn color_image(picture: &Rgba) -> ColorImage {
    ColorImage::from_rgba_premultiplied([picture.width, picture.height], picture.bytes())
}

/// Side of the blocks that are averaged, so that the picture fits the adapter and the screen.
///
/// `zoom_px` is how many screen pixels one pixel of the array takes: below 1, pixels are averaged
/// rather than dropped.
pub fn block_px(side_px: usize, max_side_px: usize, zoom_px: f32) -> usize {
    let to_fit = side_px.div_ceil(max_side_px.max(1)).max(1);
    let to_show = if zoom_px.is_finite() && zoom_px > 0.0 {
        (1.0 / zoom_px).floor().max(1.0) as usize
    } else {
        1
    };
    to_fit.max(to_show.min(side_px.max(1)))
}

/// A picture's texture and how many of its pixels were averaged into one.
#[derive(Clone)]
pub struct PictureTexture {
    handle: Option<TextureHandle>,
    block_px: usize,
}

impl Default for PictureTexture {
    fn default() -> Self {
        Self {
            handle: None,
            block_px: 1,
        }
    }
}

impl PictureTexture {
    /// Forget the pixels, since the picture has changed.
    pub fn invalidate(&mut self) {
        self.block_px = 0;
    }

    /// The texture with blocks of `block_px`, sent to the adapter only if it is not there already.
    pub fn get(
        &mut self,
        ctx: &Context,
        name: &str,
        picture: &Rgba,
        block_px: usize,
    ) -> TextureHandle {
        match &mut self.handle {
            Some(handle) if self.block_px == block_px => handle.clone(),
            Some(handle) => {
                handle.set(color_image(&area_average(picture, block_px)), OPTIONS);
                self.block_px = block_px;
                handle.clone()
            }
            none => {
                let image = color_image(&area_average(picture, block_px));
                self.block_px = block_px;
                none.insert(ctx.load_texture(name, image, OPTIONS)).clone()
            }
        }
    }

    /// The texture as it is, if there is one.
    pub fn handle(&self) -> Option<&TextureHandle> {
        self.handle.as_ref()
    }
}
