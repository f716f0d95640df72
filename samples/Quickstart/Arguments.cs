using System.Diagnostics.CodeAnalysis;
using System.Text;
using Amazon;
using LambdaStreaming;

namespace Quickstart;

/// <summary>The parsed command line.</summary>
internal sealed record Arguments
{
    public const string Usage = """
        usage: Quickstart                                   invokes a local function; no AWS account needed
               Quickstart --function NAME [--region REGION] [--payload JSON|@FILE] [--endpoint URL]
        """;

    public string? FunctionName { get; private init; }

    public ReadOnlyMemory<byte> Payload { get; private init; }

    private string? Region { get; init; }

    private Uri? Endpoint { get; init; }

    public static bool TryParse(string[] args, [NotNullWhen(true)] out Arguments? arguments, out string? problem)
    {
        arguments = null;
        problem = null;
        if (args is ["--help" or "-h"]) return false;

        var parsed = new Arguments();
        for (var i = 0; i < args.Length; i += 2)
        {
            if (args[i] is not ("--function" or "--region" or "--payload" or "--endpoint"))
            {
                problem = $"Unknown argument {args[i]}.";
                return false;
            }

            if (i + 1 == args.Length)
            {
                problem = $"{args[i]} needs a value.";
                return false;
            }

            var value = args[i + 1];
            if (args[i] == "--payload" && value.StartsWith('@') && !File.Exists(value[1..]))
            {
                problem = $"The file {value[1..]} does not exist.";
                return false;
            }

            if (args[i] == "--endpoint" && !IsHttpUrl(value))
            {
                problem = $"'{value}' is not an http or https URL.";
                return false;
            }

            parsed = args[i] switch
            {
                "--function" => parsed with { FunctionName = value },
                "--region" => parsed with { Region = value },
                "--payload" => parsed with { Payload = ReadPayload(value) },
                _ => parsed with { Endpoint = new Uri(value) },
            };
        }

        if (parsed.FunctionName is null && (parsed.Region is not null || parsed.Endpoint is not null))
        {
            problem = "--region and --endpoint require --function NAME.";
            return false;
        }

        arguments = parsed;
        return true;
    }

    public LambdaStreamingClientOptions ToOptions() => new()
    {
        Region = Region is null ? null : RegionEndpoint.GetBySystemName(Region),
        ServiceUrl = Endpoint,
    };

    private static bool IsHttpUrl(string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https";

    private static ReadOnlyMemory<byte> ReadPayload(string value) =>
        value.StartsWith('@') ? File.ReadAllBytes(value[1..]) : Encoding.UTF8.GetBytes(value);
}
