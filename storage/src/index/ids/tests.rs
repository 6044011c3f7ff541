use super::*;
use crate::index::packed::{Parts, Tail, open_tail, slice};
use crate::model::FileId;

const ROWS: u32 = 3 * 1024;

fn id(number: u32, mark: u8) -> Hashed {
    Hashed { number, mark }
}

/// The parts of ids in three blocks.
fn parts_of(blocks: [&[Hashed]; 3]) -> [Vec<u8>; 3] {
    let mut builder = IdsBuilder::new();
    for ids in blocks {
        for id in ids {
            builder.add(*id);
        }
        builder.end_block();
    }
    let mut packer = Packer::new();
    builder.finish(&mut packer, &IDS).unwrap();
    let file = FileId::generate();
    let bytes = packer.finish(file, u64::from(ROWS));
    let tail = open_tail(&bytes, bytes.len() as u64, file, u64::from(ROWS)).unwrap();
    let Tail::Parts(parts) = tail else {
        panic!("all of it was given");
    };
    [IDS.heads, IDS.lists, IDS.marks].map(|kind| part(&parts, &bytes, kind))
}

fn part(parts: &Parts, bytes: &[u8], kind: Kind) -> Vec<u8> {
    let parts = parts.of(kind).map(|at| parts.entries[at].range());
    parts
        .flat_map(|range| slice(bytes, &range).unwrap().to_vec())
        .collect()
}

/// The blocks that are left for an id, in a file with one bucket.
fn blocks_with([heads, lists, marks]: &[Vec<u8>; 3], id: Hashed) -> Vec<u32> {
    let ids = Ids::open(heads, ROWS).unwrap();
    let mut found = Vec::new();
    ids.find(lists, &[id], &mut found).unwrap();
    found.retain(|one| !ids.has_marks() || one.may_be(marks[one.at]));
    ids.rows_of(&found)
        .iter()
        .filter(|row| row % 1024 == 0)
        .map(|row| row / 1024)
        .collect()
}

#[test]
fn numbers_of_a_bucket_fit_however_many_blocks_there_are() {
    for blocks in [1, 2, 1000, 1 << 10, 1 << 20, (1 << 22) - 1] {
        for pairs in [0, 1, 1000, 1 << 24] {
            let lower = HASH_BITS - bucket_bits(pairs, blocks);
            assert!(u64::from(blocks) << lower <= 1 << 32, "{blocks} {pairs}");
        }
    }
    assert_eq!(bucket_bits(3, 1), 0);
    assert_eq!(bucket_bits(1 << 30, 1), MAX_BITS);
}

/// Many buckets, sorted in several passes: each id is found where it is, and no pair is there twice or missing.
#[test]
fn every_id_of_many_buckets_is_found_in_its_blocks() {
    let mix = |n: u32| n.wrapping_mul(0x9e37_79b9) ^ n.wrapping_mul(0x85eb_ca6b).rotate_left(13);
    let ids: [Vec<Hashed>; 3] = [0, 4_000, 9_000].map(|first| {
        (first..first + 6_000)
            .map(|n| id(mix(n) >> (32 - HASH_BITS), mix(n).to_le_bytes()[0]))
            .collect()
    });
    let [heads, lists, marks] = parts_of([&ids[0], &ids[1], &ids[2]]);
    let opened = Ids::open(&heads, ROWS).unwrap();
    assert!(opened.bits > PASS_BITS, "{}", opened.bits);
    let mut pairs: Vec<(u32, usize)> = Vec::new();
    for (block, ids) in ids.iter().enumerate() {
        for id in ids {
            pairs.push((id.number, block));
            let mut found = Vec::new();
            let list = &lists[opened.list(*id).unwrap()];
            opened.find(list, &[*id], &mut found).unwrap();
            found.retain(|one| one.may_be(marks[one.at]));
            let first = u32::try_from(block).unwrap() * 1024;
            assert!(opened.rows_of(&found).contains(first), "{id:?} {block}");
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    assert_eq!(marks.len(), pairs.len());
}

/// What is on disk: a change of these bytes is a change of the format.
#[test]
fn ids_are_written_as_they_always_were_and_their_marks_beside_them() {
    let parts = parts_of([&[id(5, 9), id(6, 8)], &[], &[id(5, 7)]]);
    let [heads, lists, marks] = parts;
    // One bucket: four bytes, three pairs.
    assert_eq!(heads, [0, 4, 3]);
    // Runs of 15 = 5 × 3 + 0, 17 = 5 × 3 + 2 and 18 = 6 × 3 + 0.
    assert_eq!(lists, [0xff, 15 << 1, 1 << 1 | 1, 0]);
    assert_eq!(marks, [9, 7, 8]);
}

#[test]
fn of_one_hash_the_blocks_are_left_that_have_its_mark() {
    let parts = parts_of([&[id(5, 9), id(6, 9)], &[id(5, 8)], &[id(5, 9)]]);
    assert_eq!(blocks_with(&parts, id(5, 9)), [0, 2]);
    assert_eq!(blocks_with(&parts, id(5, 8)), [1]);
    assert!(blocks_with(&parts, id(5, 7)).is_empty());
    assert_eq!(blocks_with(&parts, id(6, 9)), [0]);
    assert!(blocks_with(&parts, id(7, 9)).is_empty());
}

#[test]
fn several_ids_of_one_hash_in_a_block_are_all_found() {
    let parts = parts_of([&[id(5, 9), id(5, 8)], &[id(5, 0)], &[id(5, 9)]]);
    for mark in [9, 8] {
        assert!(blocks_with(&parts, id(5, mark)).contains(&0));
    }
    assert!(blocks_with(&parts, id(5, 0)).contains(&1));
    assert!(!blocks_with(&parts, id(5, 8)).contains(&2));
}

/// As they were written before there were marks.
#[test]
fn without_marks_every_block_of_the_hash_is_left() {
    let [mut heads, lists, _] = parts_of([&[id(5, 9)], &[id(5, 8)], &[]]);
    heads.truncate(2);
    let parts = [heads, lists, Vec::new()];
    assert_eq!(blocks_with(&parts, id(5, 7)), [0, 1]);
}
