using System.Text;

namespace LambdaStreaming.Tests.OtherProjects;

/// <summary>The resources of the suite's server that the tests for the format use.</summary>
internal static class WptServer
{
    /// <summary>Returns the body of a response.</summary>
    public static byte[] Respond(string url, string lastEventId)
    {
        var (path, parameters) = Parse(url);
        var text = path switch
        {
            "resources/message.py" => parameters.GetValueOrDefault("message", "data: data")
                + (parameters.GetValueOrDefault("newline") == "none" ? "" : "\n\n") + "\n",
            "resources/message2.py" => "data:msg\ndata: msg\n\n:\nfalsefield:msg\n\nfalsefield:msg\nData:data\n\n"
                + "data\n\ndata:end\n\n",
            "resources/last-event-id.py" when lastEventId.Length > 0 => $"data: {lastEventId}\n\n",
            "resources/last-event-id.py" =>
                $"id: {parameters.GetValueOrDefault("idvalue", "…")}\nretry: 200\ndata: hello\n\n",
            "resources/last-event-id2.py" => parameters["type"] switch
            {
                "1" => "id: 1\ndata: 1\n\ndata: 2\n\nid: 2\ndata:3\n\ndata:4\n\n",
                "2" => "id: 1\ndata: 1\n\nid:\ndata:2\n\ndata:3\n\n",
                _ => "id: 1\ndata: 1\n\nid\ndata:2\n\ndata:3\n\n",
            },
            _ => throw new InvalidOperationException($"The suite uses another resource: {url}"),
        };
        return Encoding.UTF8.GetBytes(text);
    }

    private static (string Path, Dictionary<string, string> Parameters) Parse(string url)
    {
        var parts = url.Split('?', 2);
        var pairs = parts.Length == 1 ? [] : parts[1].Split('&').Select(pair => pair.Split('=', 2));
        return (parts[0], pairs.ToDictionary(pair => pair[0], pair => Uri.UnescapeDataString(pair[1])));
    }
}
