//! The stream of traces: which scene starts when, and what follows from it.

use super::random::{Dice, Latency};
use super::scenes;
use super::story::Telemetry;
use super::weather::Weather;

/// Log lines outside any trace, for each trace.
const CHATTER_PER_TRACE: f64 = 0.6;
/// Longest wait of the mailer in the queue is around this; live traffic is sent that much late.
const MAIL_DELAY: Latency = Latency::ms(900);

/// Plays scene after scene at random instants of a period.
#[derive(Debug)]
pub(super) struct Traffic {
    dice: Dice,
    rate: f64,
    next_ns: u64,
}

impl Traffic {
    /// Traffic from `start_ns` (nanoseconds since the Unix epoch), `rate` traces per second.
    pub(super) fn new(seed: u64, rate: f64, start_ns: u64) -> Self {
        let mut dice = Dice::new(seed);
        let next_ns = start_ns.saturating_add(dice.gap_ns(rate));
        Self {
            dice,
            rate,
            next_ns,
        }
    }

    /// From now on, `rate` traces per second.
    pub(super) fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// When the next trace starts, nanoseconds since the Unix epoch.
    pub(super) fn next_ns(&self) -> u64 {
        self.next_ns
    }

    /// Plays the next scene: all its records, at their places in time.
    pub(super) fn play(&mut self) -> Telemetry {
        let at_ns = self.next_ns;
        self.next_ns = at_ns.saturating_add(self.dice.gap_ns(self.rate));
        let weather = Weather::at(at_ns);
        let scene = scenes::draw(&mut self.dice);
        let (mut telemetry, mail) = scenes::play(scene, &mut self.dice, weather);
        telemetry.shift(at_ns);
        for message in mail {
            let mut confirmation = scenes::confirm_by_mail(&mut self.dice, weather, &message);
            let delay_ns = self.dice.latency_ns(MAIL_DELAY);
            confirmation.shift(at_ns + message.at_ns + delay_ns);
            telemetry.append(confirmation);
        }
        if self.dice.chance(CHATTER_PER_TRACE) {
            let mut line = scenes::chatter(&mut self.dice);
            line.shift(at_ns);
            telemetry.append(line);
        }
        telemetry
    }
}
