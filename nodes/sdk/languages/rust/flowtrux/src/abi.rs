//! The border between host and node. Nothing is freed here: the memory of a call is gone with it.

use crate::{Error, Json, Output};
use std::alloc::{alloc, Layout};

const OUTPUT: u64 = 0;
const ROUTED: u64 = 1;
const FAIL: u64 = 2;
const FATAL: u64 = 3;

/// A buffer for an input; null = there is no memory.
pub fn export_alloc(n: usize) -> *mut u8 {
    match Layout::from_size_align(n.max(1), 1) {
        Ok(layout) => unsafe { alloc(layout) },
        Err(_) => std::ptr::null_mut(),
    }
}

/// Runs a node on the input at ptr and packs what it gives.
///
/// # Safety
/// The input is where it is said to be, and stays until the answer was read.
pub unsafe fn export_run(ptr: *const u8, len: usize, node: fn(Json) -> Result<Output, Error>) -> u64 {
    let input = std::str::from_utf8_unchecked(std::slice::from_raw_parts(ptr, len)); // as the host says
    match node(Json(input)) {
        Ok(Output { json, handle: None }) => leak(OUTPUT, json.into_bytes()),
        Ok(Output { json, handle: Some(handle) }) => leak(ROUTED, labelled(&handle, &json)),
        Err(e) => leak(if e.fatal { FATAL } else { FAIL }, labelled(&e.code, &e.message)),
    }
}

/// Packs a text that lives as long as the module.
pub fn text(s: &'static str) -> u64 {
    pack(OUTPUT, s.as_ptr(), s.len())
}

/// Packs a list of manifests.
pub fn list(manifests: &[&str]) -> u64 {
    leak(OUTPUT, format!("[{}]", manifests.join(",")).into_bytes())
}

fn labelled(label: &str, rest: &str) -> Vec<u8> {
    let label = &label.as_bytes()[..label.len().min(255)];
    let mut out = Vec::with_capacity(1 + label.len() + rest.len());
    out.push(label.len() as u8);
    out.extend_from_slice(label);
    out.extend_from_slice(rest.as_bytes());
    out
}

fn leak(kind: u64, payload: Vec<u8>) -> u64 {
    let payload: &'static [u8] = Box::leak(payload.into_boxed_slice());
    pack(kind, payload.as_ptr(), payload.len())
}

fn pack(kind: u64, ptr: *const u8, len: usize) -> u64 {
    (ptr as usize as u64) << 32 | kind << 30 | len as u64
}
