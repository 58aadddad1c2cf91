//! All small parts of the window on one sheet, in each theme.

use egui::accesskit::Role;
use egui::{Align2, Key, Rect, Stroke, StrokeKind, Ui, UiBuilder, Vec2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use statescope::app::icons::Icon;
use statescope::app::theme::{self, Palette, Weight, size};
use statescope::app::widgets::{
    Button, Field, LogRow, LossFigure, Pip, PipState, Segment, Toast, Toasts, badge, badge_width,
    choice, empty_state, exposure_bar, figure_row, hatched_bar, key_chip, logo, loss_tag,
    menu_header, menu_item, nothing_lost_tag, paint_dense_pip, paint_pip, paint_text,
    pros_and_cons, section, segmented, separator, setting_field, setting_row, stepper, switch, tag,
};
use statescope::app::words::Span;

use crate::support::pictures::{Camera, assert_picture};

const SIZE: Vec2 = vec2(960.0, 1440.0);

#[test]
fn component_sheet_dark() {
    assert_picture("component-sheet-dark", &sheet(true, 1.0));
}

#[test]
fn component_sheet_light() {
    assert_picture("component-sheet-light", &sheet(false, 1.0));
}

fn sheet(dark: bool, scale: f32) -> statescope::app::picture::raster::Image {
    let camera = Camera::default();
    let mut sheet = Sheet::default();
    sheet
        .toasts
        .push(Toast::info("Added RedisLike “store”, linked from api").with_action("Undo", ()));
    sheet.toasts.push(
        Toast::error("Line 7: no field “instance”. Meant instances?").with_action("Show", ()),
    );
    let mut harness = Harness::builder()
        .with_size(SIZE)
        .with_pixels_per_point(scale)
        .with_theme(if dark {
            egui::Theme::Dark
        } else {
            egui::Theme::Light
        })
        .renderer(camera.clone())
        .with_context_setup(|ctx| theme::install(ctx, theme::Settings::default()))
        .build_ui_state(|ui, sheet: &mut Sheet| sheet.ui(ui), sheet);
    harness.run_steps(2);

    // What cannot be understood stays as it was typed, with a message.
    let field = harness.get_by_role_and_label(Role::TextInput, "Client timeout");
    field.click();
    harness.run_steps(2);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
    harness
        .get_by_role_and_label(Role::TextInput, "Client timeout")
        .type_text("1 sec");
    harness.run_steps(2);
    harness
        .get_by_role_and_label(Role::TextInput, "Snapshot every")
        .click();
    harness.run_steps(2);
    let server = harness
        .query_all_by_role_and_label(Role::RadioButton, "Server")
        .next()
        .unwrap();
    harness.hover_at(server.rect().center());
    harness.run_steps(3);
    camera.picture(&harness)
}

#[derive(Default)]
struct Sheet {
    toasts: Toasts<()>,
}

impl Sheet {
    fn ui(&mut self, ui: &mut Ui) {
        let p = theme::palette(ui);
        let full = ui.max_rect().expand(20.0);
        ui.painter().rect_filled(full, 0.0, p.canvas);
        heading(ui, 12.0, "Type");
        types(ui, p);
        heading(ui, 76.0, "Icons");
        icons(ui, p);
        heading(ui, 186.0, "A heavy card, a light card, loss tags, exposure");
        cards(ui, p);
        heading(
            ui,
            448.0,
            "Instance pips: outline = health, fill = load, ring = queue",
        );
        pips(ui, p);
        heading(
            ui,
            574.0,
            "Badges: filled = keeps state here, outlined = keeps none",
        );
        badges(ui, p);
        heading(ui, 656.0, "Toggles: number = lost if one dies");
        toggles(ui);
        heading(ui, 756.0, "Buttons, choice, stepper, switch");
        buttons(ui);
        heading(ui, 826.0, "Fields: the unit is part of the text you type");
        fields(ui, p);
        choices(ui);
        heading(ui, 926.0, "Pane: sections, figures, settings");
        pane(ui, p);
        log(ui, p);
        menus(ui, p);
        self.toasts.show(
            ui.ctx(),
            Rect::from_min_max(pos2(0.0, 0.0), pos2(936.0, 1424.0)),
            &[],
        );
    }
}

fn at(ui: &mut Ui, rect: Rect, add: impl FnOnce(&mut Ui)) {
    let mut child = ui.new_child(
        UiBuilder::new()
            .max_rect(rect)
            .id_salt(rect.min.x as i32 * 10_000 + rect.min.y as i32),
    );
    add(&mut child);
}

fn heading(ui: &mut Ui, y: f32, text: &str) {
    let p = theme::palette(ui);
    paint_text(
        ui.painter(),
        pos2(24.0, y),
        Align2::LEFT_TOP,
        text,
        size::SMALL,
        Weight::Medium,
        p.text3,
    );
}

fn types(ui: &mut Ui, p: &Palette) {
    let words = [
        (size::SMALL, Weight::Regular, "11 caption −512 ± 0.6 %"),
        (size::BODY, Weight::Regular, "13 body 0123456789 µs"),
        (size::BODY, Weight::Medium, "13 medium"),
        (size::BODY, Weight::Semibold, "13 semibold"),
        (size::FIGURE, Weight::Semibold, "15 figure 1,651"),
        (size::TITLE, Weight::Semibold, "18 title"),
        (size::HERO, Weight::Semibold, "24 Lose a session"),
    ];
    let mut x = 24.0;
    for (size, weight, text) in words {
        let at = pos2(x, 48.0);
        x = paint_text(
            ui.painter(),
            at,
            Align2::LEFT_CENTER,
            text,
            size,
            weight,
            p.text,
        )
        .right()
            + 20.0;
    }
}

fn icons(ui: &mut Ui, p: &Palette) {
    for (i, icon) in Icon::ALL.into_iter().enumerate() {
        let cell = pos2(
            36.0 + 35.0 * (i % 26) as f32,
            106.0 + 30.0 * (i / 26) as f32,
        );
        icon.paint(ui.painter(), cell, 16.0, p.text);
    }
    for (i, (icon, zoom)) in [
        (Icon::Service, 0.75),
        (Icon::Memory, 1.5),
        (Icon::Sticky, 2.0),
    ]
    .into_iter()
    .enumerate()
    {
        let at = pos2(836.0 + 34.0 * i as f32, 166.0);
        icon.paint_stroked(ui.painter(), at, 16.0 * zoom, 1.4 * zoom, p.text);
    }
}

fn cards(ui: &mut Ui, p: &Palette) {
    let painter = ui.painter();
    let rows = [
        (Pip::up(0.58, 0.15), "550", "39"),
        (Pip::of(PipState::Down), "−512", "−49"),
        (Pip::of(PipState::Booting), "0", "0"),
    ];
    let card = Rect::from_min_size(pos2(24.0, 208.0), vec2(248.0, 99.0 + 27.0 * 3.0 + 10.0));
    let tag = Rect::from_min_max(
        pos2(card.left(), card.bottom() - 10.0),
        card.right_bottom() + vec2(0.0, 34.0),
    );
    loss_tag(
        painter,
        tag,
        1.0,
        &[(512, "sessions"), (49, "writes")],
        Some("60.0 s"),
        p,
    );
    painter.extend(theme::surface(
        card,
        p.card,
        Stroke::new(2.0, p.text),
        p,
        1.0,
    ));
    Icon::Service.paint(painter, card.min + vec2(18.0, 17.0), 16.0, p.text);
    let text = |at: Vec2, anchor, text: &str, size, weight, colour| {
        paint_text(painter, card.min + at, anchor, text, size, weight, colour);
    };
    text(
        vec2(33.0, 17.0),
        Align2::LEFT_CENTER,
        "api",
        size::BODY,
        Weight::Semibold,
        p.text,
    );
    text(
        vec2(236.0, 17.0),
        Align2::RIGHT_CENTER,
        "56 % busy",
        size::SMALL,
        Weight::Regular,
        p.text2,
    );
    badge(
        painter,
        card.min + vec2(10.0, 34.0),
        1.0,
        Icon::Memory,
        "In memory",
        true,
        p,
    );
    text(
        vec2(236.0, 44.0),
        Align2::RIGHT_CENTER,
        "41.6 MiB",
        size::SMALL,
        Weight::Regular,
        p.text2,
    );
    exposure_bar(
        painter,
        Rect::from_min_size(card.min + vec2(10.0, 60.0), vec2(228.0, 6.0)),
        0.9,
        1.0,
        p,
    );
    let risk = "Only here: 1,651 sessions, 118 writes";
    text(
        vec2(10.0, 76.0),
        Align2::LEFT_CENTER,
        risk,
        size::SMALL,
        Weight::Medium,
        p.lost,
    );
    for (i, (pip, sessions, unsaved)) in rows.iter().enumerate() {
        let y = 99.0 + 27.0 * i as f32 + 13.5;
        let down = pip.state == PipState::Down;
        if down {
            let row = Rect::from_min_max(
                card.min + vec2(2.0, y - 13.5),
                card.min + vec2(246.0, y + 13.5),
            );
            painter.rect_filled(row, 0.0, p.lost_tint);
        } else {
            hatched_bar(
                painter,
                Rect::from_min_size(card.min + vec2(58.0, y - 4.0), vec2(74.0, 8.0)),
                1.0,
                p,
            );
        }
        paint_pip(painter, card.min + vec2(24.0, y), 1.0, pip, p);
        let (size, weight, ink) = if down {
            (size::BODY, Weight::Semibold, p.lost)
        } else {
            (size::SMALL, Weight::Regular, p.text)
        };
        text(
            vec2(44.0, y),
            Align2::LEFT_CENTER,
            &(i + 1).to_string(),
            size::SMALL,
            Weight::Medium,
            p.text2,
        );
        text(
            vec2(182.0, y),
            Align2::RIGHT_CENTER,
            sessions,
            size,
            weight,
            ink,
        );
        text(
            vec2(236.0, y),
            Align2::RIGHT_CENTER,
            unsaved,
            size,
            weight,
            ink,
        );
    }

    let light = Rect::from_min_size(pos2(296.0, 208.0), vec2(190.0, 94.0));
    painter.extend(theme::surface(
        light,
        p.card,
        Stroke::new(1.0, p.hair),
        p,
        1.0,
    ));
    Icon::Service.paint(painter, light.min + vec2(18.0, 17.0), 16.0, p.text);
    let name = light.min + vec2(33.0, 17.0);
    paint_text(
        painter,
        name,
        Align2::LEFT_CENTER,
        "catalog",
        size::BODY,
        Weight::Semibold,
        p.text,
    );
    badge(
        painter,
        light.min + vec2(10.0, 34.0),
        1.0,
        Icon::Stateless,
        "Stateless",
        false,
        p,
    );
    for (i, load) in [0.3, 0.34, 0.9].into_iter().enumerate() {
        let at = light.min + vec2(24.0 + 30.0 * i as f32, 74.0);
        paint_pip(painter, at, 1.0, &Pip::up(load, 0.0), p);
    }
    let ghost = Rect::from_min_size(pos2(296.0, 320.0), vec2(190.0, 62.0));
    painter.extend(theme::dashed_rect(
        ghost,
        8.0,
        Stroke::new(1.5, p.text2),
        5.0,
        4.0,
    ));
    Icon::RedisLike.paint(painter, ghost.min + vec2(20.0, 18.0), 16.0, p.text2);
    let name = ghost.min + vec2(35.0, 18.0);
    paint_text(
        painter,
        name,
        Align2::LEFT_CENTER,
        "store",
        size::BODY,
        Weight::Semibold,
        p.text,
    );
    let words = ghost.min + vec2(12.0, 42.0);
    paint_text(
        painter,
        words,
        Align2::LEFT_CENTER,
        "Would be added",
        size::SMALL,
        Weight::Regular,
        p.text2,
    );

    for (i, safe) in [1.0, 0.999, 0.9, 0.35, 0.0].into_iter().enumerate() {
        let bar = Rect::from_min_size(pos2(520.0, 214.0 + 18.0 * i as f32), vec2(200.0, 6.0));
        exposure_bar(painter, bar, safe, 1.0, p);
    }
    for (i, zoom) in [0.4, 0.7, 1.4, 2.2].into_iter().enumerate() {
        let bar = Rect::from_min_size(pos2(520.0 + 90.0 * i as f32, 320.0), vec2(80.0, 8.0 * zoom));
        hatched_bar(painter, bar, zoom, p);
    }
    let tag = Rect::from_min_size(pos2(736.0, 208.0), vec2(204.0, 34.0));
    loss_tag(
        painter,
        tag,
        1.0,
        &[(512, "sessions"), (49, "writes")],
        Some("60.0 s"),
        p,
    );
    nothing_lost_tag(painter, pos2(740.0, 256.0), 1.0, "0 sessions, 0 writes", p);
    let tag = Rect::from_min_size(pos2(520.0, 350.0), vec2(300.0, 51.0));
    loss_tag(
        painter,
        tag,
        1.5,
        &[(2048, "sessions")],
        Some("1 m 12 s"),
        p,
    );
}

fn pips(ui: &mut Ui, p: &Palette) {
    let painter = ui.painter();
    let of = Pip::of;
    let all = [
        ("idle", Pip::up(0.04, 0.0)),
        ("up, load", Pip::up(0.45, 0.0)),
        ("busy + queue", Pip::up(0.8, 0.35)),
        ("saturated", Pip::up(1.0, 0.95)),
        ("booting", of(PipState::Booting)),
        ("draining", of(PipState::Draining)),
        ("down", of(PipState::Down)),
        ("failing check", of(PipState::FailingCheck)),
        ("hung", of(PipState::Hung)),
        (
            "slow",
            Pip {
                state: PipState::Slow,
                ..Pip::up(0.8, 0.0)
            },
        ),
        (
            "selected",
            Pip {
                selected: true,
                ..Pip::up(0.45, 0.0)
            },
        ),
        (
            "warming",
            Pip {
                warmed: 0.6,
                load: 0.5,
                ..of(PipState::Warming)
            },
        ),
    ];
    for (i, (name, pip)) in all.iter().enumerate() {
        let x = 56.0 + 64.0 * i as f32;
        paint_pip(painter, pos2(x, 490.0), 1.15, pip, p);
        paint_text(
            painter,
            pos2(x, 520.0),
            Align2::CENTER_CENTER,
            name,
            size::SMALL,
            Weight::Regular,
            p.text2,
        );
        paint_pip(painter, pos2(x - 22.0, 548.0), 0.6, pip, p);
        paint_dense_pip(painter, pos2(x, 548.0), 1.0, pip, p);
        paint_dense_pip(painter, pos2(x + 22.0, 548.0), 1.6, pip, p);
    }
    for i in 0..9 {
        let at = pos2(836.0 + 13.0 * (i % 3) as f32, 477.0 + 13.0 * (i / 3) as f32);
        let state = if i == 4 { PipState::Down } else { PipState::Up };
        paint_dense_pip(
            painter,
            at,
            1.0,
            &Pip {
                load: 0.3,
                ..of(state)
            },
            p,
        );
    }
    let name = pos2(849.0, 520.0);
    paint_text(
        painter,
        name,
        Align2::CENTER_CENTER,
        "dense, n > 12",
        size::SMALL,
        Weight::Regular,
        p.text2,
    );
    paint_pip(painter, pos2(916.0, 490.0), 1.6, &Pip::up(0.6, 0.4), p);
}

fn badges(ui: &mut Ui, p: &Palette) {
    let painter = ui.painter();
    let all = [
        (Icon::Stateless, "Stateless", false),
        (Icon::Memory, "In memory", true),
        (Icon::Disk, "Disk, fsync 1 s", true),
        (Icon::LocalDatabase, "Local database", true),
        (Icon::External, "External: store", false),
        (Icon::RedisLike, "Redis-like, everysec", true),
        (Icon::SqlDatabase, "SQL, sync 1", true),
        (Icon::ObjectStore, "Object store", true),
        (Icon::NoSessions, "None", false),
        (Icon::Jwt, "JWT", false),
        (Icon::ServerSide, "Server-side", false),
        (Icon::Sticky, "Sticky", false),
    ];
    let mut x = 24.0;
    let mut y = 596.0;
    for (icon, text, filled) in all {
        if x + badge_width(painter, 1.0, text) > 936.0 {
            x = 24.0;
            y += 26.0;
        }
        x = badge(painter, pos2(x, y), 1.0, icon, text, filled, p).right() + 6.0;
    }
}

fn toggles(ui: &mut Ui) {
    let segment = |icon, label, loss| Segment {
        icon,
        label,
        loss,
        costs: "",
        impossible: None,
        effect: None,
        measured: None,
    };
    let lost = LossFigure::Lost;
    let placements = [
        Segment {
            impossible: Some("Writes need a home"),
            effect: None,
            measured: None,
            ..segment(Icon::Stateless, "Stateless", LossFigure::Unknown)
        },
        segment(Icon::Memory, "Memory", lost(49)),
        segment(Icon::Disk, "Disk", lost(0)),
        segment(Icon::LocalDatabase, "Local DB", lost(0)),
        segment(Icon::External, "External", lost(0)),
    ];
    at(
        ui,
        Rect::from_min_size(pos2(24.0, 678.0), vec2(256.0, 80.0)),
        |ui| {
            segmented(ui, "State lives in", &placements, 1);
        },
    );
    let sessions = [
        segment(Icon::NoSessions, "None", LossFigure::Unknown),
        segment(Icon::Jwt, "JWT", lost(0)),
        segment(Icon::ServerSide, "Server", lost(0)),
        segment(Icon::Sticky, "Sticky", lost(512)),
    ];
    at(
        ui,
        Rect::from_min_size(pos2(310.0, 678.0), vec2(256.0, 80.0)),
        |ui| {
            segmented(ui, "Sessions kept", &sessions, 3);
        },
    );
    at(
        ui,
        Rect::from_min_size(pos2(596.0, 678.0), vec2(316.0, 80.0)),
        |ui| {
            segmented(ui, "Sessions kept, wide", &sessions, 1);
        },
    );
}

fn buttons(ui: &mut Ui) {
    at(
        ui,
        Rect::from_min_size(pos2(24.0, 778.0), vec2(920.0, 30.0)),
        |ui| {
            ui.horizontal(|ui| {
                ui.add(Button::primary("Apply"));
                ui.add(Button::primary("Play").icon(Icon::Play).shortcut("Enter"));
                ui.add(Button::secondary("Crash").icon(Icon::Bolt).shortcut("C"));
                ui.add(Button::plain("Compare").icon(Icon::Compare));
                ui.add(Button::plain("What-if").icon(Icon::WhatIf).pressed(true));
                ui.add_enabled(false, Button::secondary("Disabled"));
                ui.add(Button::icon_only(Icon::Undo, "Undo").shortcut("Ctrl Z"));
                ui.add(Button::primary_icon(Icon::Pause, "Pause"));
                ui.add(Button::plain("Preset").menu());
                key_chip(ui, "Ctrl K");
                separator(ui);
                tag(ui, "Memory → External");
            });
        },
    );
}

fn fields(ui: &mut Ui, p: &Palette) {
    let all = [
        ("Service time", "15ms", "log-normal; 5 to 50 ms"),
        ("Snapshot every", "5s", "Enter applies, Esc reverts"),
        ("Client timeout", "1s", ""),
        ("Arrivals", "400/s", "Poisson"),
    ];
    for (i, (name, value, remark)) in all.into_iter().enumerate() {
        let x = 24.0 + 184.0 * i as f32;
        let label = pos2(x, 846.0);
        paint_text(
            ui.painter(),
            label,
            Align2::LEFT_TOP,
            name,
            size::SMALL,
            Weight::Regular,
            p.text2,
        );
        at(
            ui,
            Rect::from_min_size(pos2(x, 862.0), vec2(168.0, 60.0)),
            |ui| {
                Field::new(name, value).width(168.0).show(ui, |text| {
                    if text.contains("sec") {
                        Err("Try 1s. Units: us, ms, s, m, h".to_owned())
                    } else {
                        Ok(text.to_owned())
                    }
                });
            },
        );
        let under = pos2(x, 890.0);
        paint_text(
            ui.painter(),
            under,
            Align2::LEFT_TOP,
            remark,
            size::SMALL,
            Weight::Regular,
            p.text3,
        );
    }
}

fn choices(ui: &mut Ui) {
    at(
        ui,
        Rect::from_min_size(pos2(760.0, 862.0), vec2(190.0, 30.0)),
        |ui| {
            ui.spacing_mut().item_spacing.x = 12.0;
            ui.horizontal(|ui| {
                stepper(ui, "Instances", 4, 1..=64, 90.0);
                switch(ui, "On", &mut true);
                switch(ui, "Off", &mut false);
            });
        },
    );
}

fn pane(ui: &mut Ui, p: &Palette) {
    let pane = Rect::from_min_size(pos2(24.0, 948.0), vec2(280.0, 268.0));
    ui.painter().rect(
        pane,
        8.0,
        p.panel,
        Stroke::new(1.0, p.hair),
        StrokeKind::Inside,
    );
    at(ui, pane.shrink2(vec2(12.0, 8.0)), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        section(ui, "Now", "last 5 s");
        let wave = |phase: f32, step: f32| -> Vec<f32> {
            (0..40)
                .map(|i| 10.0 + (i as f32 * 1.3 + phase).sin() + if i > 30 { step } else { 0.0 })
                .collect()
        };
        figure_row(ui, "Throughput", &wave(0.0, -5.0), "398", "/s", None);
        figure_row(ui, "p99", &wave(1.0, 12.0), "184", "ms", None);
        figure_row(ui, "Sessions lost", &[0.0; 40], "−512", "", Some(p.lost));
        section(ui, "Settings", "12 more");
        setting_row(ui, "Instances", "", |ui| {
            stepper(ui, "Instances, pane", 4, 1..=64, 104.0)
        });
        setting_row(ui, "Replicate", "to peers", |ui| {
            choice(ui, "Replicate", Some(0), &["none", "sync"], 104.0)
        });
        setting_field(ui, "Queue limit", "", "64", |text| {
            text.parse::<u32>()
                .map_err(|_| "Write a whole number".into())
        });
        setting_row(ui, "Follow", "", |ui| switch(ui, "Follow", &mut true));
    });
}

fn log(ui: &mut Ui, p: &Palette) {
    let lost = [Span::lost("−512 sessions, −49 writes")];
    let failed = [Span::failed("381 failed"), Span::plain("129 retried")];
    let login = [Span::plain("115 of 512 logged in again")];
    let later = [Span::plain("scheduled")];
    let row = |icon, time, title, detail, lost, scheduled, tall| LogRow {
        icon,
        time,
        title,
        detail,
        lost,
        scheduled,
        tall,
    };
    let rows = [
        row(
            Icon::Login,
            "66.2 s",
            "Login storm",
            &login[..],
            false,
            false,
            false,
        ),
        row(
            Icon::Eject,
            "65.1 s",
            "api 2 found dead after 5.1 s",
            &failed[..],
            false,
            false,
            false,
        ),
        row(
            Icon::Cross,
            "60.0 s",
            "api 2 crashed",
            &lost[..],
            true,
            false,
            false,
        ),
        row(
            Icon::Restart,
            "75.0 s",
            "Restart api 2",
            &later[..],
            false,
            true,
            false,
        ),
        row(
            Icon::Cross,
            "60.0 s",
            "api 2 crashed (you clicked)",
            &lost[..],
            true,
            false,
            true,
        ),
    ];
    let pane = Rect::from_min_size(pos2(328.0, 948.0), vec2(440.0, 158.0));
    ui.painter().rect(
        pane,
        8.0,
        p.panel,
        Stroke::new(1.0, p.hair),
        StrokeKind::Inside,
    );
    at(ui, pane.shrink(1.0), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for row in rows {
            row.show(ui);
        }
    });
}

fn menus(ui: &mut Ui, p: &Palette) {
    heading(ui, 1232.0, "Menu, empty state, mark, plus and minus");
    let menu = Rect::from_min_size(pos2(24.0, 1254.0), vec2(230.0, 168.0));
    ui.painter().extend(theme::surface(
        menu,
        p.card,
        Stroke::new(1.0, p.hair),
        p,
        1.0,
    ));
    at(ui, menu.shrink(5.0), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        menu_header(ui, "api 2", "up, 45 % busy");
        menu_item(ui, Some(Icon::Cross), "Crash process", "C");
        menu_item(ui, Some(Icon::Bolt), "Lose the machine", "Shift C");
        menu_item(ui, Some(Icon::Pause), "Hang", "");
        ui.add_enabled_ui(false, |ui| {
            menu_item(ui, Some(Icon::Restart), "Restart", "")
        });
    });
    let empty = Rect::from_min_size(pos2(278.0, 1254.0), vec2(290.0, 104.0));
    let advice = "Press Space to play. 60 s takes 6 s at 10×";
    empty_state(
        ui.painter(),
        empty,
        Icon::Clock,
        "No run to chart",
        advice,
        p,
    );
    logo(ui.painter(), pos2(610.0, 1280.0), 18.0, p.canvas, p);
    logo(ui.painter(), pos2(660.0, 1290.0), 48.0, p.canvas, p);
    at(
        ui,
        Rect::from_min_size(pos2(278.0, 1370.0), vec2(256.0, 60.0)),
        |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            pros_and_cons(
                ui,
                "Fastest: no hop, 0 ms added",
                "Dies with the instance; 118 writes exposed now",
            );
        },
    );
}
