using System.Text.Json;

namespace LambdaStreaming.AspNetCore.Tests.BrowserClients;

/// <summary>What the page of tests/browser/clients.jsx shows of one response.</summary>
/// <param name="States">All states in order: running, then complete, stopped or error.</param>
/// <param name="Text">The text at the end.</param>
/// <param name="Alert">The message of an error.</param>
internal sealed record Shown(string States, string Text, string? Alert)
{
    public static Shown FromJson(JsonElement step) => new(
        step.GetProperty("states").GetString()!,
        step.GetProperty("text").GetString()!,
        step.TryGetProperty("alert", out var alert) ? alert.GetString() : null);
}
